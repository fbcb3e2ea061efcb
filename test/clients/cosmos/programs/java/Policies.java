import com.azure.cosmos.CosmosContainer;
import com.azure.cosmos.CosmosDatabase;
import com.azure.cosmos.models.CompositePath;
import com.azure.cosmos.models.CompositePathSortOrder;
import com.azure.cosmos.models.ConflictResolutionPolicy;
import com.azure.cosmos.models.CosmosContainerProperties;
import com.azure.cosmos.models.CosmosFullTextIndex;
import com.azure.cosmos.models.CosmosFullTextPath;
import com.azure.cosmos.models.CosmosFullTextPolicy;
import com.azure.cosmos.models.CosmosVectorDataType;
import com.azure.cosmos.models.CosmosVectorDistanceFunction;
import com.azure.cosmos.models.CosmosVectorEmbedding;
import com.azure.cosmos.models.CosmosVectorEmbeddingPolicy;
import com.azure.cosmos.models.CosmosVectorIndexSpec;
import com.azure.cosmos.models.CosmosVectorIndexType;
import com.azure.cosmos.models.ExcludedPath;
import com.azure.cosmos.models.IncludedPath;
import com.azure.cosmos.models.IndexingMode;
import com.azure.cosmos.models.IndexingPolicy;
import com.azure.cosmos.models.UniqueKey;
import com.azure.cosmos.models.UniqueKeyPolicy;
import java.util.List;
import java.util.Map;

/** A container with all that its definition may hold. */
final class Policies extends Base {
  static Object see() {
    CosmosDatabase database = keyed().getDatabase("appdb");
    database.createContainer(definition());
    CosmosContainer policies = database.getContainer("policies");
    CosmosContainerProperties found = policies.read().getProperties();
    policies.delete();
    return Map.of(
        "excluded", found.getIndexingPolicy().getExcludedPaths().stream()
            .map(ExcludedPath::getPath)
            .filter(path -> !path.contains("_etag"))
            .toList(),
        "composite", found.getIndexingPolicy().getCompositeIndexes().get(0).stream().map(CompositePath::getPath).toList(),
        "unique", found.getUniqueKeyPolicy().getUniqueKeys().get(0).getPaths(),
        "expires", found.getDefaultTimeToLiveInSeconds(),
        "resolved", found.getConflictResolutionPolicy().getConflictResolutionPath(),
        "vectors", found.getVectorEmbeddingPolicy().getVectorEmbeddings().stream()
            .map(CosmosVectorEmbedding::getPath)
            .toList(),
        "texts", found.getFullTextPolicy().getPaths().stream().map(CosmosFullTextPath::getPath).toList());
  }

  private static CosmosContainerProperties definition() {
    IndexingPolicy indexing = new IndexingPolicy()
        .setIndexingMode(IndexingMode.CONSISTENT)
        .setIncludedPaths(List.of(new IncludedPath("/*")))
        .setExcludedPaths(List.of(new ExcludedPath("/secret/*")))
        .setCompositeIndexes(List.of(List.of(
            new CompositePath().setPath("/a").setOrder(CompositePathSortOrder.ASCENDING),
            new CompositePath().setPath("/b").setOrder(CompositePathSortOrder.DESCENDING))))
        .setVectorIndexes(
            List.of(new CosmosVectorIndexSpec().setPath("/v").setType(CosmosVectorIndexType.FLAT.toString())))
        .setCosmosFullTextIndexes(List.of(new CosmosFullTextIndex().setPath("/text")));
    CosmosVectorEmbeddingPolicy vectors = new CosmosVectorEmbeddingPolicy();
    vectors.setCosmosVectorEmbeddings(List.of(new CosmosVectorEmbedding()
        .setPath("/v")
        .setDataType(CosmosVectorDataType.FLOAT32)
        .setDistanceFunction(CosmosVectorDistanceFunction.COSINE)
        .setEmbeddingDimensions(3)));
    CosmosFullTextPolicy texts = new CosmosFullTextPolicy()
        .setDefaultLanguage("en-US")
        .setPaths(List.of(new CosmosFullTextPath().setPath("/text").setLanguage("en-US")));
    return new CosmosContainerProperties("policies", "/pk")
        .setDefaultTimeToLiveInSeconds(-1)
        .setIndexingPolicy(indexing)
        .setUniqueKeyPolicy(new UniqueKeyPolicy().setUniqueKeys(List.of(new UniqueKey(List.of("/email")))))
        .setConflictResolutionPolicy(ConflictResolutionPolicy.createLastWriterWinsPolicy("/when"))
        .setVectorEmbeddingPolicy(vectors)
        .setFullTextPolicy(texts);
  }
}
