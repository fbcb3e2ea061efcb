/** Management locks and what they stop. https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources */
import { covers, parseScope, scopeKey, selfAndParents } from "../../access/scopes.ts";

export interface Lock {
  /** `{scope}/providers/Microsoft.Authorization/locks/{name}`. */
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly level: "CanNotDelete" | "ReadOnly";
  readonly notes?: string;
  readonly owners?: readonly { readonly applicationId: string }[];
}

/** All locks of a tenant, in memory. */
export class Locks {
  readonly #byId = new Map<string, Lock>();

  put(lock: Lock): void {
    this.#byId.set(lock.id.toLowerCase(), lock);
  }
  remove(id: string): void {
    this.#byId.delete(id.toLowerCase());
  }
  get(id: string): Lock | undefined {
    return this.#byId.get(id.toLowerCase());
  }
  below(scope: string): readonly Lock[] {
    return [...this.#byId.values()].filter((lock) => covers(scope, lock.scope));
  }
  /** Locks at the scope or above it. */
  reaching(scope: string): readonly Lock[] {
    const parsed = parseScope(scope);
    if (parsed === undefined || this.#byId.size === 0) return [];
    const keys = new Set(selfAndParents(parsed));
    return [...this.#byId.values()].filter((lock) => keys.has(scopeKey(lock.scope) ?? ""));
  }

  /**
   * Locks that stop a method on an id. Either level stops DELETE, also of what contains the locked scope; ReadOnly stops
   * PUT, PATCH and POST (listing keys included) at and below it.
   */
  stopping(method: string, id: string): readonly Lock[] {
    switch (method) {
      case "DELETE":
        return [...new Set([...this.reaching(id), ...this.below(id)])];
      case "PUT":
      case "PATCH":
      case "POST":
        return this.reaching(id).filter((lock) => lock.level === "ReadOnly");
      default:
        return [];
    }
  }
}
