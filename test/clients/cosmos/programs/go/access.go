package main

import (
	"errors"
	"sort"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func definition(id string) azcosmos.ContainerProperties {
	return azcosmos.ContainerProperties{
		ID:                     id,
		PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{"/pk"}, Version: 2},
	}
}

func access(client *azcosmos.Client) {
	appdb := must(client.NewDatabase("appdb"))
	on("reads in the preferred region", func() any {
		put(in(client, "appdb", "items"), item{"id": "regional", "pk": "regional"})
		western := withToken(&azcosmos.ClientOptions{PreferredRegions: []string{"West US"}})
		return readStatus(in(western, "appdb", "items"), "regional", "regional")
	})
	on("a token creates no database and no container", func() any {
		return list{
			refusal(client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "new"}, nil)),
			refusal(appdb.CreateContainer(ctx, definition("new"), nil)),
		}
	})
	on("a role without the action is refused, action and resource named", func() any {
		action := "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/upsert"
		answer, err := in(client, "guarded", "items").UpsertItem(ctx, key("1"), text(item{"id": "1", "pk": "1"}), nil)
		var failed *azcore.ResponseError
		named := errors.As(err, &failed) &&
			strings.Contains(failed.Error(), "["+action+"] on resource [dbs/guarded/colls/items]")
		return item{"refused": refusal(answer, err), "named": named}
	})
	on("a role at another scope is refused", func() any {
		return refusal(in(client, "closed", "items").ReadItem(ctx, key("1"), "1", nil))
	})
	on("an account key opens everything", func() any {
		made := must(keyed().CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "by-key"}, nil))
		database := must(keyed().NewDatabase("by-key"))
		inside := must(database.CreateContainer(ctx, definition("c"), nil))
		gone := must(database.Delete(ctx, nil))
		return list{made.RawResponse.StatusCode, inside.RawResponse.StatusCode, gone.RawResponse.StatusCode}
	})
	on("a read-only key reads and does not write", func() any {
		reading := withKey(question.Endpoint, question.ReadOnlyKey)
		found := must(must(reading.NewDatabase("appdb")).Read(ctx, nil))
		upserted := text(item{"id": "x", "pk": "x"})
		return list{
			found.DatabaseProperties.ID == "appdb",
			status(in(reading, "appdb", "items").UpsertItem(ctx, key("x"), upserted, nil)),
		}
	})
	on("a wrong key is refused", func() any {
		return status(must(withKey(question.Endpoint, wrongKey()).NewDatabase("appdb")).Read(ctx, nil))
	})
	on("keys end with disableLocalAuth", func() any {
		sealed := withKey(question.SealedEndpoint, question.SealedKey)
		return refusal(sealed.NewQueryDatabasesPager("SELECT * FROM root", nil).NextPage(ctx))
	})
}

func resources(client *azcosmos.Client) {
	on("reads a database and a container", func() any {
		database := must(must(client.NewDatabase("appdb")).Read(ctx, nil))
		found := must(in(client, "appdb", "items").Read(ctx, nil)).ContainerProperties
		partitionKey := found.PartitionKeyDefinition
		return item{
			"database":  database.DatabaseProperties.ID,
			"container": found.ID,
			"paths":     partitionKey.Paths,
			"kind":      partitionKey.Kind,
			"version":   partitionKey.Version,
			"mode":      strings.ToLower(string(found.IndexingPolicy.IndexingMode)),
		}
	})
	on("lists databases and containers", func() any {
		databases, containers := []string{}, []string{}
		for pager := keyed().NewQueryDatabasesPager("SELECT * FROM root", nil); pager.More(); {
			for _, each := range must(pager.NextPage(ctx)).Databases {
				databases = append(databases, each.ID)
			}
		}
		guarded := must(keyed().NewDatabase("guarded"))
		for pager := guarded.NewQueryContainersPager("SELECT * FROM root", nil); pager.More(); {
			for _, each := range must(pager.NextPage(ctx)).Containers {
				containers = append(containers, each.ID)
			}
		}
		sort.Strings(databases)
		return item{"databases": databases, "containers": containers}
	})
	on("finds databases and containers with SQL", func() any {
		databases := must(keyed().NewQueryDatabasesPager("SELECT * FROM root r WHERE r.id = 'appdb'", nil).NextPage(ctx))
		guarded := must(keyed().NewDatabase("guarded"))
		options := &azcosmos.QueryContainersOptions{QueryParameters: []azcosmos.QueryParameter{{Name: "@id", Value: "items"}}}
		containers := must(guarded.NewQueryContainersPager("SELECT * FROM root r WHERE r.id = @id", options).NextPage(ctx))
		found := list{[]string{}, []string{}}
		for _, each := range databases.Databases {
			found[0] = append(found[0].([]string), each.ID)
		}
		for _, each := range containers.Containers {
			found[1] = append(found[1].([]string), each.ID)
		}
		return found
	})
	on("creates a container with policies", policies)
	on("a container that was made anew under its name", func() any {
		database := must(keyed().NewDatabase("appdb"))
		must(database.CreateContainer(ctx, definition("anew"), nil))
		anew := in(client, "appdb", "anew")
		first := put(anew, item{"id": "1", "pk": "p"}).RawResponse.StatusCode
		must(in(keyed(), "appdb", "anew").Delete(ctx, nil))
		must(database.CreateContainer(ctx, definition("anew"), nil))
		gone := readStatus(anew, "1", "p")
		second := put(anew, item{"id": "1", "pk": "p"}).RawResponse.StatusCode
		must(in(keyed(), "appdb", "anew").Delete(ctx, nil))
		return list{first, gone, second}
	})
	on("reads and replaces the throughput of a database", func() any {
		throughput := azcosmos.NewManualThroughputProperties(400)
		options := &azcosmos.CreateDatabaseOptions{ThroughputProperties: &throughput}
		must(keyed().CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "shared"}, options))
		shared := must(keyed().NewDatabase("shared"))
		before, _ := must(shared.ReadThroughput(ctx, nil)).ThroughputProperties.ManualThroughput()
		changed := must(shared.ReplaceThroughput(ctx, azcosmos.NewManualThroughputProperties(600), nil))
		after, _ := changed.ThroughputProperties.ManualThroughput()
		must(shared.Delete(ctx, nil))
		return list{before, after}
	})
	on("creates, replaces and deletes a container", func() any {
		made := must(must(keyed().NewDatabase("appdb")).CreateContainer(ctx, definition("brief"), nil))
		brief := in(keyed(), "appdb", "brief")
		changed := *made.ContainerProperties
		seconds := int32(3600)
		changed.DefaultTimeToLive = &seconds
		replaced := must(brief.Replace(ctx, changed, nil))
		gone := must(brief.Delete(ctx, nil))
		return list{
			made.RawResponse.StatusCode,
			replaced.ContainerProperties.DefaultTimeToLive,
			gone.RawResponse.StatusCode,
		}
	})
	on("reads and replaces throughput", func() any {
		feed := in(keyed(), "appdb", "feed")
		before, _ := must(feed.ReadThroughput(ctx, nil)).ThroughputProperties.ManualThroughput()
		changed := must(feed.ReplaceThroughput(ctx, azcosmos.NewManualThroughputProperties(500), nil))
		after, _ := changed.ThroughputProperties.ManualThroughput()
		return list{before, after}
	})
	on("creates with autoscale throughput", func() any {
		throughput := azcosmos.NewAutoscaleThroughputProperties(1000)
		options := &azcosmos.CreateContainerOptions{ThroughputProperties: &throughput}
		must(must(keyed().NewDatabase("appdb")).CreateContainer(ctx, definition("scaled"), options))
		scaled := in(keyed(), "appdb", "scaled")
		maximum, _ := must(scaled.ReadThroughput(ctx, nil)).ThroughputProperties.AutoscaleMaxThroughput()
		must(scaled.Delete(ctx, nil))
		return maximum
	})
	on("a token reads no throughput", func() any {
		return refusal(in(client, "appdb", "items").ReadThroughput(ctx, nil))
	})
	on("reads feed ranges and what is in one", func() any {
		shop := in(client, "appdb", "shop")
		ranges := must(shop.ReadFeedRanges(ctx, nil))
		found, _ := drain(shop, &azcosmos.ChangeFeedOptions{FeedRange: &ranges[0]})
		return list{len(ranges), len(found)}
	})
}

func policies() any {
	made := definition("policies")
	never := int32(-1)
	made.DefaultTimeToLive = &never
	made.IndexingPolicy = &azcosmos.IndexingPolicy{
		Automatic:     true,
		IndexingMode:  azcosmos.IndexingModeConsistent,
		IncludedPaths: []azcosmos.IncludedPath{{Path: "/*"}},
		ExcludedPaths: []azcosmos.ExcludedPath{{Path: "/secret/*"}},
		CompositeIndexes: [][]azcosmos.CompositeIndex{{
			{Path: "/a", Order: azcosmos.CompositeIndexAscending},
			{Path: "/b", Order: azcosmos.CompositeIndexDescending},
		}},
		VectorIndexes:   []azcosmos.VectorIndex{{Path: "/v", Type: azcosmos.VectorIndexTypeFlat}},
		FullTextIndexes: []azcosmos.FullTextIndex{{Path: "/text"}},
	}
	made.UniqueKeyPolicy = &azcosmos.UniqueKeyPolicy{UniqueKeys: []azcosmos.UniqueKey{{Paths: []string{"/email"}}}}
	made.ConflictResolutionPolicy = &azcosmos.ConflictResolutionPolicy{
		Mode:           azcosmos.ConflictResolutionModeLastWriteWins,
		ResolutionPath: "/when",
	}
	made.VectorEmbeddingPolicy = &azcosmos.VectorEmbeddingPolicy{VectorEmbeddings: []azcosmos.VectorEmbedding{{
		Path:             "/v",
		DataType:         azcosmos.VectorDataTypeFloat32,
		DistanceFunction: azcosmos.VectorDistanceFunctionCosine,
		Dimensions:       3,
	}}}
	made.FullTextPolicy = &azcosmos.FullTextPolicy{
		DefaultLanguage: "en-US",
		FullTextPaths:   []azcosmos.FullTextPath{{Path: "/text", Language: "en-US"}},
	}
	must(must(keyed().NewDatabase("appdb")).CreateContainer(ctx, made, nil))
	of := in(keyed(), "appdb", "policies")
	found := must(of.Read(ctx, nil)).ContainerProperties
	must(of.Delete(ctx, nil))
	excluded, composite := []string{}, []string{}
	for _, each := range found.IndexingPolicy.ExcludedPaths {
		if !strings.Contains(each.Path, "_etag") {
			excluded = append(excluded, each.Path)
		}
	}
	for _, each := range found.IndexingPolicy.CompositeIndexes[0] {
		composite = append(composite, each.Path)
	}
	return item{
		"excluded":  excluded,
		"composite": composite,
		"unique":    found.UniqueKeyPolicy.UniqueKeys[0].Paths,
		"expires":   found.DefaultTimeToLive,
		"resolved":  found.ConflictResolutionPolicy.ResolutionPath,
		"vectors":   list{found.VectorEmbeddingPolicy.VectorEmbeddings[0].Path},
		"texts":     list{found.FullTextPolicy.FullTextPaths[0].Path},
	}
}
