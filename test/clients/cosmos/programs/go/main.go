// What azcosmos sees, one JSON line per behaviour of ../../behaviours.ts. Reads the question from standard input.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

type parameter struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

var question struct {
	Endpoint       string            `json:"endpoint"`
	Key            string            `json:"key"`
	ReadOnlyKey    string            `json:"readOnlyKey"`
	SealedEndpoint string            `json:"sealedEndpoint"`
	SealedKey      string            `json:"sealedKey"`
	Documents      []json.RawMessage `json:"documents"`
	Queries        []struct {
		Name       string      `json:"name"`
		Text       string      `json:"text"`
		Pk         *string     `json:"pk"`
		Parameters []parameter `json:"parameters"`
	} `json:"queries"`
}

type item = map[string]any
type list = []any

// A behaviour answers what was seen; what it panics with is an error of the program.
type behaviour struct {
	name string
	work func() any
}

var ctx = context.Background()
var credential azcore.TokenCredential
var behaviours []behaviour

func on(name string, work func() any) {
	behaviours = append(behaviours, behaviour{name, work})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func withToken(options *azcosmos.ClientOptions) *azcosmos.Client {
	return must(azcosmos.NewClient(question.Endpoint, credential, options))
}

func withKey(endpoint string, key string) *azcosmos.Client {
	return must(azcosmos.NewClientWithKey(endpoint, must(azcosmos.NewKeyCredential(key)), nil))
}

func keyed() *azcosmos.Client { return withKey(question.Endpoint, question.Key) }

func in(client *azcosmos.Client, database string, name string) *azcosmos.ContainerClient {
	return must(client.NewContainer(database, name))
}

func key(value string) azcosmos.PartitionKey { return azcosmos.NewPartitionKeyString(value) }

func text(value any) []byte { return must(json.Marshal(value)) }

func object(body []byte) item {
	var found item
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, &found); err != nil {
		panic(err)
	}
	return found
}

// refusal is the status and sub-status of an error of the service.
func refusal[T any](_ T, err error) any {
	var failed *azcore.ResponseError
	if err == nil {
		return "not refused"
	}
	if !errors.As(err, &failed) {
		panic(err)
	}
	sub, _ := strconv.Atoi(failed.RawResponse.Header.Get("x-ms-substatus"))
	return list{failed.StatusCode, sub}
}

func status[T any](value T, err error) any {
	if found, ok := refusal(value, err).(list); ok {
		return found[0]
	}
	return "not refused"
}

func readStatus(from *azcosmos.ContainerClient, id string, pk string) any {
	answer, err := from.ReadItem(ctx, key(pk), id, nil)
	if err != nil {
		return status(answer, err)
	}
	return answer.RawResponse.StatusCode
}

// put creates an item whose partition key is its `pk`, and answers with the item.
func put(into *azcosmos.ContainerClient, made item) azcosmos.ItemResponse {
	options := &azcosmos.ItemOptions{EnableContentResponseOnWrite: true}
	return must(into.CreateItem(ctx, key(made["pk"].(string)), text(made), options))
}

func rows(from *azcosmos.ContainerClient, query string, pk azcosmos.PartitionKey, options *azcosmos.QueryOptions) (list, error) {
	found := list{}
	pager := from.NewQueryItemsPager(query, pk, options)
	for pager.More() {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		found = append(found, values(page.Items)...)
	}
	return found, nil
}

func values(texts [][]byte) list {
	found := list{}
	for _, each := range texts {
		found = append(found, json.RawMessage(each))
	}
	return found
}

func main() {
	if err := json.NewDecoder(os.Stdin).Decode(&question); err != nil {
		panic(err)
	}
	credential = must(azidentity.NewDefaultAzureCredential(nil))
	client := withToken(nil)
	shop := in(client, "appdb", "shop")
	for _, document := range question.Documents {
		must(shop.UpsertItem(ctx, key(object(document)["pk"].(string)), document, nil))
	}
	access(client)
	resources(client)
	items(client)
	batches(client)
	queries(client)
	changes(client)
	scripts(client)
	for _, each := range behaviours {
		fmt.Println(run(each))
	}
}

// A line of the answer. Its name stands first: that is how the line is known.
type line struct {
	Name  string `json:"name"`
	Saw   any    `json:"saw,omitempty"`
	Error string `json:"error,omitempty"`
}

func run(each behaviour) (written string) {
	defer func() {
		if failure := recover(); failure != nil {
			written = string(text(line{Name: each.name, Error: fmt.Sprint(failure)}))
		}
	}()
	return string(text(line{Name: each.name, Saw: each.work()}))
}

func wrongKey() string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 64)) }
