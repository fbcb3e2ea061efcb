package main

import "github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

func scripts(client *azcosmos.Client) {
	scripted := in(client, "appdb", "scripted")
	on("a pre-trigger changes what is created", func() any {
		options := &azcosmos.ItemOptions{PreTriggers: []string{"stamp"}, EnableContentResponseOnWrite: true}
		made := must(scripted.CreateItem(ctx, key("p"), text(item{"id": "pre", "pk": "p"}), options))
		return object(made.Value)["stamp"]
	})
	on("a post-trigger that fails undoes the write", func() any {
		options := &azcosmos.ItemOptions{PostTriggers: []string{"refuse"}}
		return list{
			status(scripted.CreateItem(ctx, key("p"), text(item{"id": "post", "pk": "p"}), options)),
			readStatus(scripted, "post", "p"),
		}
	})
	on("a function in a query", func() any {
		for n, id := range []string{"f1", "f2"} {
			put(scripted, item{"id": id, "pk": "f", "n": n + 1})
		}
		query := "SELECT VALUE udf.double(c.n) FROM c WHERE c.pk = 'f' ORDER BY c.n"
		return must(rows(scripted, query, azcosmos.NewPartitionKey(), nil))
	})
}
