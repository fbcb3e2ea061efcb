package main

import (
	"encoding/base64"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func queries(client *azcosmos.Client) {
	shop := in(client, "appdb", "shop")
	everywhere := azcosmos.NewPartitionKey()
	for _, each := range question.Queries {
		on(each.Name, func() any {
			pk := everywhere
			if each.Pk != nil {
				pk = key(*each.Pk)
			}
			options := &azcosmos.QueryOptions{}
			for _, one := range each.Parameters {
				options.QueryParameters = append(options.QueryParameters, azcosmos.QueryParameter(one))
			}
			found, err := rows(shop, each.Text, pk, options)
			if err != nil {
				return refusal(found, err)
			}
			return found
		})
	}
	ask := func(of *azcosmos.Client, query string, token *string) (azcosmos.QueryItemsResponse, error) {
		options := &azcosmos.QueryOptions{PageSizeHint: 3, ContinuationToken: token}
		return in(of, "appdb", "shop").NewQueryItemsPager(query, everywhere, options).NextPage(ctx)
	}
	page := func(of *azcosmos.Client, query string, token *string) azcosmos.QueryItemsResponse {
		return must(ask(of, query, token))
	}
	on("pages, and a token that another client goes on with", func() any {
		query := "SELECT VALUE c.id FROM c"
		first := page(client, query, nil)
		second := page(withToken(nil), query, first.ContinuationToken)
		third := page(client, query, second.ContinuationToken)
		all := map[string]bool{}
		for _, each := range append(append(first.Items, second.Items...), third.Items...) {
			all[string(each)] = true
		}
		return list{len(first.Items), len(second.Items), len(all)}
	})
	on("pages of an ORDER BY, and a token that another client goes on with", func() any {
		query := "SELECT VALUE c.id FROM c ORDER BY c.id"
		first, err := ask(client, query, nil)
		if err != nil {
			return refusal(first, err)
		}
		return append(values(first.Items), values(page(withToken(nil), query, first.ContinuationToken).Items)...)
	})
	on("a syntax error", func() any {
		_, err := rows(shop, "SELEC * FROM c", everywhere, nil)
		var failed *azcore.ResponseError
		if !errors.As(err, &failed) {
			return "not refused"
		}
		return list{failed.StatusCode, strings.Contains(failed.Error(), "SC1001")}
	})
	on("a query over partitions that the client does not ask for as one", func() any {
		no := false
		options := &azcosmos.QueryOptions{EnableCrossPartitionQuery: &no}
		_, err := rows(shop, "SELECT * FROM c WHERE c.price > 1", everywhere, options)
		var failed *azcore.ResponseError
		if !errors.As(err, &failed) {
			return "not refused"
		}
		return list{failed.StatusCode, strings.Contains(failed.Error(), "Cross partition query is required but disabled")}
	})
	on("query metrics", func() any {
		found := must(shop.NewQueryItemsPager("SELECT * FROM c", key("a"), nil).NextPage(ctx))
		count := regexp.MustCompile(`retrievedDocumentCount=(\d+)`).FindStringSubmatch(*found.QueryMetrics)[1]
		return must(strconv.Atoi(count))
	})
	on("index metrics", func() any {
		options := &azcosmos.QueryOptions{PopulateIndexMetrics: true}
		query := "SELECT * FROM c WHERE c.stock > 3"
		found := must(shop.NewQueryItemsPager(query, everywhere, options).NextPage(ctx))
		return strings.Contains(string(must(base64.StdEncoding.DecodeString(*found.IndexMetrics))), "/stock/?")
	})
	on("hierarchical keys: one item by its whole key", func() any {
		tree := in(client, "appdb", "tree")
		whole := func(levels ...string) azcosmos.PartitionKey {
			found := azcosmos.NewPartitionKey()
			for _, each := range levels {
				found = found.AppendString(each)
			}
			return found
		}
		for _, each := range [][]string{
			{"41", "acme", "ada", "s1"},
			{"42", "acme", "ada", "s2"},
			{"43", "acme", "bob", "s1"},
			{"44", "acme", "eve", "s1"},
			{"45", "other", "ada", "s1"},
		} {
			made := text(item{"id": each[0], "tenant": each[1], "user": each[2], "session": each[3]})
			must(tree.CreateItem(ctx, whole(each[1:]...), made, nil))
		}
		return object(must(tree.ReadItem(ctx, whole("acme", "ada", "s2"), "42", nil)).Value)["id"]
	})
	on("hierarchical keys: a prefix in the filter", func() any {
		query := "SELECT * FROM c WHERE c.tenant = 'acme' AND c.user = 'ada'"
		return len(must(rows(in(client, "appdb", "tree"), query, everywhere, nil)))
	})
	on("a container that is not there", func() any {
		return status(rows(in(client, "appdb", "nowhere"), "SELECT * FROM c", everywhere, nil))
	})
}

// drain reads a change feed up to its end; without a range, that of the whole container.
func drain(feed *azcosmos.ContainerClient, options *azcosmos.ChangeFeedOptions) (list, string) {
	found := list{}
	if options.FeedRange == nil && options.Continuation == nil {
		options.FeedRange = &must(feed.ReadFeedRanges(ctx, nil))[0]
	}
	for {
		page := must(feed.ReadChangeFeed(ctx, options))
		for _, each := range page.Items {
			found = append(found, object(each)["name"])
		}
		if len(page.Items) == 0 {
			return found, page.ContinuationToken
		}
		following := *options
		following.Continuation, following.StartFrom = &page.ContinuationToken, nil
		options = &following
	}
}

func changes(client *azcosmos.Client) {
	feed := in(client, "appdb", "feed")
	var token string
	on("change feed: all from the beginning", func() any {
		for _, each := range [][]string{{"1", "a"}, {"2", "b"}, {"3", "a"}} {
			put(feed, item{"id": each[0], "pk": each[1], "name": each[0]})
		}
		var found list
		found, token = drain(feed, &azcosmos.ChangeFeedOptions{})
		return found
	})
	on("change feed: resumed by another client, latest versions alone", func() any {
		for _, name := range []string{"2 in between", "2 changed"} {
			must(feed.ReplaceItem(ctx, key("b"), "2", text(item{"id": "2", "pk": "b", "name": name}), nil))
		}
		put(feed, item{"id": "4", "pk": "b", "name": "4"})
		put(feed, item{"id": "5", "pk": "c", "name": "5"})
		must(feed.DeleteItem(ctx, key("c"), "5", nil))
		found, _ := drain(in(withToken(nil), "appdb", "feed"), &azcosmos.ChangeFeedOptions{Continuation: &token})
		return found
	})
	on("change feed: of one partition key", func() any {
		pk := key("a")
		found, _ := drain(feed, &azcosmos.ChangeFeedOptions{PartitionKey: &pk})
		return found
	})
	on("change feed: from a time on", func() any {
		time.Sleep(1100 * time.Millisecond)
		now := time.Now()
		put(feed, item{"id": "7", "pk": "c", "name": "latest"})
		found, _ := drain(feed, &azcosmos.ChangeFeedOptions{StartFrom: &now})
		return found
	})
}
