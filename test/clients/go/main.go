// One token by azidentity, as an app would ask for it. Arguments: credential, scope, selector, its value.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
)

func credential(kind string, selector string, value string) (azcore.TokenCredential, error) {
	switch kind {
	case "default":
		return azidentity.NewDefaultAzureCredential(nil)
	case "workload":
		options := &azidentity.WorkloadIdentityCredentialOptions{}
		if selector == "clientId" {
			options.ClientID = value
		}
		return azidentity.NewWorkloadIdentityCredential(options)
	}
	options := &azidentity.ManagedIdentityCredentialOptions{}
	switch selector {
	case "clientId":
		options.ID = azidentity.ClientID(value)
	case "objectId":
		options.ID = azidentity.ObjectID(value)
	case "resourceId":
		options.ID = azidentity.ResourceID(value)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

// errorName is the type that a caller can tell apart.
func errorName(err error) string {
	var failed *azidentity.AuthenticationFailedError
	if errors.As(err, &failed) {
		return "AuthenticationFailedError"
	}
	return "credential unavailable"
}

func main() {
	selector, value := "", ""
	if len(os.Args) > 4 {
		selector, value = os.Args[3], os.Args[4]
	}
	answer := map[string]any{}
	chosen, err := credential(os.Args[1], selector, value)
	if err == nil {
		var token azcore.AccessToken
		token, err = chosen.GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{os.Args[2]}})
		answer["token"], answer["expires"] = token.Token, token.ExpiresOn.Unix()
	}
	if err != nil {
		answer = map[string]any{"error": errorName(err), "message": err.Error()}
	}
	line, _ := json.Marshal(answer)
	fmt.Println(string(line))
}
