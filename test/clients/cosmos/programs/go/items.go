package main

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func patched(from *azcosmos.ContainerClient, id string, operations azcosmos.PatchOperations) (azcosmos.ItemResponse, error) {
	options := &azcosmos.ItemOptions{EnableContentResponseOnWrite: true}
	return from.PatchItem(ctx, key("p"), id, operations, options)
}

func items(client *azcosmos.Client) {
	all := in(client, "appdb", "items")
	on("creates, reads, replaces, deletes", func() any {
		made := put(all, item{"id": "crud", "pk": "p", "name": "one"})
		first := must(all.ReadItem(ctx, key("p"), "crud", nil))
		replaced := must(all.ReplaceItem(ctx, key("p"), "crud", text(item{"id": "crud", "pk": "p", "name": "two"}), nil))
		second := must(all.ReadItem(ctx, key("p"), "crud", nil))
		deleted := must(all.DeleteItem(ctx, key("p"), "crud", nil))
		return list{
			made.RawResponse.StatusCode,
			object(first.Value)["name"],
			replaced.RawResponse.StatusCode,
			object(second.Value)["name"],
			deleted.RawResponse.StatusCode,
			readStatus(all, "crud", "p"),
		}
	})
	on("upserts", func() any {
		upsert := func(made item) int {
			return must(all.UpsertItem(ctx, key("p"), text(made), nil)).RawResponse.StatusCode
		}
		return list{upsert(item{"id": "upsert", "pk": "p"}), upsert(item{"id": "upsert", "pk": "p", "n": 2})}
	})
	on("system properties", func() any {
		made := object(put(all, item{"id": "system", "pk": "p"}).Value)
		found := list{}
		for _, name := range []string{"_attachments", "_etag", "_rid", "_self", "_ts"} {
			if _, there := made[name]; there {
				found = append(found, name)
			}
		}
		return found
	})
	on("an item that is not there", func() any { return refusal(all.ReadItem(ctx, key("p"), "nothing", nil)) })
	on("an item that is there already", func() any {
		put(all, item{"id": "twice", "pk": "p"})
		return refusal(all.CreateItem(ctx, key("p"), text(item{"id": "twice", "pk": "p"}), nil))
	})
	on("If-Match: stale replace, stale delete, current replace", func() any {
		old := put(all, item{"id": "etag", "pk": "p"}).ETag
		changed := text(item{"id": "etag", "pk": "p", "n": 1})
		current := must(all.ReplaceItem(ctx, key("p"), "etag", changed, nil)).ETag
		stale := &azcosmos.ItemOptions{IfMatchEtag: &old}
		return list{
			status(all.ReplaceItem(ctx, key("p"), "etag", changed, stale)),
			status(all.DeleteItem(ctx, key("p"), "etag", stale)),
			must(all.ReplaceItem(ctx, key("p"), "etag", changed, &azcosmos.ItemOptions{IfMatchEtag: &current})).RawResponse.StatusCode,
		}
	})
	on("patch: add, set, replace, remove, increment", func() any {
		put(all, item{"id": "patch", "pk": "p", "added": []int{1, 3}, "replaced": "x", "removed": 1, "count": 5})
		operations := azcosmos.PatchOperations{}
		operations.AppendAdd("/added/1", 2)
		operations.AppendSet("/set", "s")
		operations.AppendReplace("/replaced", "r")
		operations.AppendRemove("/removed")
		operations.AppendIncrement("/count", 3)
		found := object(must(patched(all, "patch", operations)).Value)
		seen := item{}
		for _, name := range []string{"added", "set", "replaced", "removed", "count"} {
			if value, there := found[name]; there {
				seen[name] = value
			}
		}
		return seen
	})
	on("patch with a condition: false, true", func() any {
		put(all, item{"id": "condition", "pk": "p", "n": 1})
		patch := func(condition string) (azcosmos.ItemResponse, error) {
			operations := azcosmos.PatchOperations{}
			operations.AppendIncrement("/n", 1)
			operations.SetCondition(condition)
			return patched(all, "condition", operations)
		}
		return list{
			status(patch("FROM c WHERE c.n > 5")),
			must(patch("FROM c WHERE c.n = 1")).RawResponse.StatusCode,
		}
	})
	on("patch of a path without a parent", func() any {
		put(all, item{"id": "orphan", "pk": "p"})
		operations := azcosmos.PatchOperations{}
		operations.AppendAdd("/a/b/c", 1)
		return status(patched(all, "orphan", operations))
	})
	on("a partition key that is not the item's", func() any {
		return refusal(all.CreateItem(ctx, key("q"), text(item{"id": "astray", "pk": "p"}), nil))
	})
	on("keys that are numbers, booleans, null", func() any {
		found := list{}
		for _, each := range []struct {
			value any
			key   azcosmos.PartitionKey
		}{
			{7, azcosmos.NewPartitionKeyNumber(7)},
			{true, azcosmos.NewPartitionKeyBool(true)},
			{nil, azcosmos.NullPartitionKey},
		} {
			must(all.CreateItem(ctx, each.key, text(item{"id": "typed", "pk": each.value}), nil))
			found = append(found, object(must(all.ReadItem(ctx, each.key, "typed", nil)).Value)["pk"])
		}
		return found
	})
	on("ids and keys outside ASCII", func() any {
		id, pk := "Grüße, 豆腐 (1+1=2)", "ключ"
		put(all, item{"id": id, "pk": pk})
		found := object(must(all.ReadItem(ctx, key(pk), id, nil)).Value)
		return list{found["id"], found["pk"], must(all.DeleteItem(ctx, key(pk), id, nil)).RawResponse.StatusCode}
	})
	on("a key with an emoji", func() any {
		answer, err := all.CreateItem(ctx, key("🗝"), text(item{"id": "emoji", "pk": "🗝"}), nil)
		if err != nil {
			return status(answer, err)
		}
		return object(must(all.ReadItem(ctx, key("🗝"), "emoji", nil)).Value)["pk"]
	})
	on("an id with a question mark", func() any {
		put(all, item{"id": "why?", "pk": "p"})
		return readStatus(all, "why?", "p")
	})
	on("reads many at once", func() any {
		found := must(in(client, "appdb", "shop").ReadManyItems(ctx, []azcosmos.ItemIdentity{
			{ID: "1", PartitionKey: key("a")},
			{ID: "2", PartitionKey: key("b")},
			{ID: "9", PartitionKey: key("c")},
			{ID: "none", PartitionKey: key("c")},
		}, nil))
		ids := list{}
		for _, each := range found.Items {
			ids = append(ids, object(each)["id"])
		}
		return ids
	})
	on("an item of more than 2 MB", func() any {
		big := text(item{"id": "big", "pk": "p", "text": strings.Repeat("x", 2_200_000)})
		return status(all.CreateItem(ctx, key("p"), big, nil))
	})
	on("time to live", func() any {
		short := in(client, "appdb", "short")
		put(short, item{"id": "brief", "pk": "p", "ttl": 2, "name": "there"})
		found := object(must(short.ReadItem(ctx, key("p"), "brief", nil)).Value)
		time.Sleep(3200 * time.Millisecond)
		return list{found["name"], readStatus(short, "brief", "p")}
	})
	on("unique keys: another partition, the same partition", func() any {
		people := in(client, "appdb", "people")
		put(people, item{"id": "1", "pk": "a", "email": "ada@example.com"})
		other := put(people, item{"id": "1", "pk": "b", "email": "ada@example.com"})
		again := text(item{"id": "2", "pk": "a", "email": "ada@example.com"})
		return list{other.RawResponse.StatusCode, status(people.CreateItem(ctx, key("a"), again, nil))}
	})
	on("writes without the item in the answer", func() any {
		made := must(all.CreateItem(ctx, key("p"), text(item{"id": "quiet", "pk": "p"}), nil))
		if len(made.Value) == 0 {
			return list{made.RawResponse.StatusCode, nil}
		}
		return list{made.RawResponse.StatusCode, string(made.Value)}
	})
	on("request charges", func() any { return put(all, item{"id": "charge", "pk": "p"}).RequestCharge > 1 })
	on("429 when throughput is used up: waits as it is told to, and gets through", func() any {
		metered := in(client, "appdb", "metered")
		for n := range 6 {
			put(metered, item{"id": strconv.Itoa(n), "pk": "p", "text": strings.Repeat("x", 400_000)})
		}
		return len(must(rows(metered, "SELECT VALUE c.id FROM c", key("p"), nil)))
	})
	on("session tokens: from a write, in a read by another client", func() any {
		token := put(all, item{"id": "session", "pk": "p"}).SessionToken
		level := azcosmos.ConsistencyLevelSession
		options := &azcosmos.ItemOptions{SessionToken: token, ConsistencyLevel: &level}
		found := must(in(withToken(nil), "appdb", "items").ReadItem(ctx, key("p"), "session", options))
		return list{regexp.MustCompile(`^0:-?\d+#\d+`).MatchString(*token), found.RawResponse.StatusCode}
	})
}

func executed(all *azcosmos.ContainerClient, batch azcosmos.TransactionalBatch) list {
	statuses := list{}
	for _, each := range must(all.ExecuteTransactionalBatch(ctx, batch, nil)).OperationResults {
		statuses = append(statuses, each.StatusCode)
	}
	return statuses
}

func batches(client *azcosmos.Client) {
	all := in(client, "appdb", "items")
	on("batch: create, upsert, replace, patch, read, delete", func() any {
		for _, id := range []string{"replace", "patch", "delete"} {
			put(all, item{"id": id, "pk": "batch"})
		}
		operations := azcosmos.PatchOperations{}
		operations.AppendSet("/n", 1)
		batch := all.NewTransactionalBatch(key("batch"))
		batch.CreateItem(text(item{"id": "create", "pk": "batch"}), nil)
		batch.UpsertItem(text(item{"id": "upsert", "pk": "batch"}), nil)
		batch.ReplaceItem("replace", text(item{"id": "replace", "pk": "batch", "n": 1}), nil)
		batch.PatchItem("patch", operations, nil)
		batch.ReadItem("create", nil)
		batch.DeleteItem("delete", nil)
		return executed(all, batch)
	})
	on("batch that fails: statuses, and what is left", func() any {
		put(all, item{"id": "taken", "pk": "rollback"})
		batch := all.NewTransactionalBatch(key("rollback"))
		for _, id := range []string{"first", "taken", "last"} {
			batch.CreateItem(text(item{"id": id, "pk": "rollback"}), nil)
		}
		return list{executed(all, batch), readStatus(all, "first", "rollback")}
	})
	on("batch: a stale If-Match", func() any {
		put(all, item{"id": "guarded", "pk": "stale"})
		etag := azcore.ETag(`"00000000-0000-0000-0000-000000000000"`)
		stale := &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &etag}
		batch := all.NewTransactionalBatch(key("stale"))
		batch.CreateItem(text(item{"id": "first", "pk": "stale"}), nil)
		batch.ReplaceItem("guarded", text(item{"id": "guarded", "pk": "stale", "n": 1}), stale)
		return list{executed(all, batch), readStatus(all, "first", "stale")}
	})
	on("batch of a hundred, and its items in pages of forty", func() any {
		batch := all.NewTransactionalBatch(key("hundred"))
		for n := range 100 {
			batch.CreateItem(text(item{"id": strconv.Itoa(n), "pk": "hundred"}), nil)
		}
		made := 0
		for _, each := range executed(all, batch) {
			if each == int32(201) {
				made++
			}
		}
		pages, found := 0, map[any]bool{}
		options := &azcosmos.QueryOptions{PageSizeHint: 40}
		for pager := all.NewQueryItemsPager("SELECT * FROM c", key("hundred"), options); pager.More(); {
			page := must(pager.NextPage(ctx)).Items
			if len(page) > 0 {
				pages++
			}
			for _, each := range page {
				found[object(each)["id"]] = true
			}
		}
		return list{made, pages, len(found)}
	})
}
