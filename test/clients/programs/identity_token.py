"""One token by azure-identity, as an app would ask for it. Arguments: credential, scope, selector, its value."""
import json
import sys

from azure.identity import DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential

kind, scope, *selected = sys.argv[1:]
selector, value = selected or (None, None)
options = {
    None: {},
    "clientId": {"client_id": value},
    "objectId": {"identity_config": {"object_id": value}},
    "resourceId": {"identity_config": {"resource_id": value}},
}[selector]
default = {"managed_identity_client_id": value} if selector == "clientId" else {}
credentials = {
    "managed": lambda: ManagedIdentityCredential(**options),
    "default": lambda: DefaultAzureCredential(**default),
    "workload": lambda: WorkloadIdentityCredential(**options),
}
try:
    token = credentials[kind]().get_token(scope)
    print(json.dumps({"token": token.token, "expires": token.expires_on}))
except Exception as error:
    print(json.dumps({"error": type(error).__name__, "message": str(error)}))
