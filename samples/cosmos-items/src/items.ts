/** Items in a container with the partition key `/pk`. */
import { type Container, type CosmosClient, ErrorResponse } from "@azure/cosmos";

export interface Item {
  readonly id: string;
  readonly pk: string;
  readonly name: string;
  readonly category?: string;
  readonly price?: number;
}

export interface Stored {
  readonly item: Item;
  readonly etag: string;
}

export interface Page {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined: this was the last. */
  readonly continuation?: string;
}

export type Problem = "missing" | "changed" | "invalid";

/** What went wrong with an item, for the client of the API. */
export class ItemProblem extends Error {
  readonly problem: Problem;
  constructor(problem: Problem, message: string) {
    super(message);
    this.name = "ItemProblem";
    this.problem = problem;
  }
}

export interface Items {
  save(item: Item): Promise<Stored>;
  /** @throws ItemProblem missing */
  read(id: string, pk: string): Promise<Stored>;
  /** Replaces the version with this etag and no other. @throws ItemProblem missing, changed */
  replace(item: Item, etag: string): Promise<Stored>;
  list(options: { readonly size: number; readonly continuation?: string }): Promise<Page>;
  /** Of one category, the dearest first. */
  dearest(category: string, count: number): Promise<readonly Item[]>;
}

const problems: Readonly<Record<number, Problem>> = { 400: "invalid", 404: "missing", 412: "changed" };

const translated = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (error) {
    const problem = error instanceof ErrorResponse ? problems[Number(error.code)] : undefined;
    throw problem === undefined
      ? error
      : new ItemProblem(problem, `Cosmos DB answered ${(error as ErrorResponse).code}.`);
  }
};

/** Without the members that Cosmos DB adds. */
const own = ({ id, pk, name, category, price }: Item): Item => ({
  id,
  pk,
  name,
  ...(category === undefined ? {} : { category }),
  ...(price === undefined ? {} : { price }),
});

export const openItems = (client: CosmosClient, database: string, name: string): Items => {
  const container: Container = client.database(database).container(name);
  return {
    save: async (item) => {
      const { etag } = await translated(container.items.upsert(own(item)));
      return { item: own(item), etag };
    },
    read: async (id, pk) => {
      const { resource, etag } = await translated(container.item(id, pk).read<Item>());
      if (resource === undefined) throw new ItemProblem("missing", `There is no item ${id}.`);
      return { item: own(resource), etag };
    },
    replace: async (item, etag) => {
      const accessCondition = { type: "IfMatch", condition: etag };
      const replaced = await translated(container.item(item.id, item.pk).replace(own(item), { accessCondition }));
      return { item: own(item), etag: replaced.etag };
    },
    list: async ({ size, continuation }) => {
      const pages = container.items.query<Item>("SELECT * FROM c", {
        maxItemCount: size,
        ...(continuation === undefined ? {} : { continuationToken: continuation }),
      });
      const page = await translated(pages.fetchNext());
      return {
        items: page.resources.map(own),
        ...(page.continuationToken === undefined ? {} : { continuation: page.continuationToken }),
      };
    },
    dearest: async (category, count) => {
      // Two sort keys: the container needs the composite index (/category ascending, /price descending).
      const query = "SELECT TOP @count * FROM c WHERE c.category = @category ORDER BY c.category ASC, c.price DESC";
      const parameters = [
        { name: "@count", value: count },
        { name: "@category", value: category },
      ];
      return (await translated(container.items.query<Item>({ query, parameters }).fetchAll())).resources.map(own);
    },
  };
};
