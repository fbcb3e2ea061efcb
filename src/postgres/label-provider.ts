/**
 * The C library that makes `SECURITY LABEL FOR "pgaadauth" ON ROLE ...` work. PostgreSQL accepts the statement only from
 * loaded code. It is built where a C compiler is at hand; without it everything but that statement works, because the
 * `pgaadauth_*` functions write labels themselves.
 */
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { chmod, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { entraAdministrators } from "./role-sql.ts";

/** Declares what it needs of PostgreSQL itself, so no PostgreSQL headers are required. V is the major version. */
const source = String.raw`
typedef unsigned int Oid;
typedef struct { Oid classId, objectId; int objectSubId; } ObjectAddress;
extern void register_label_provider(const char *, void (*)(const ObjectAddress *, const char *));
extern _Bool errstart(int, const char *);
extern int errcode(int);
extern int errmsg(const char *, ...);
extern void errfinish(const char *, int, const char *);
extern int strncmp(const char *, const char *, unsigned long);
extern Oid GetSessionUserId(void);
extern Oid get_role_oid(const char *, _Bool);
extern _Bool superuser_arg(Oid);
extern _Bool is_member_of_role_nosuper(Oid, Oid);
#if V >= 18
typedef struct { int version, a, b, c, d; char abi[32]; } Abi;
typedef struct { int len; Abi abi; const char *name, *ver; } Magic;
static const Magic magic = { sizeof(Magic), { V*100, 100, 32, 64, 1, "PostgreSQL" }, 0, 0 };
#elif V >= 15
typedef struct { int len, version, a, b, c, d; char abi[32]; } Magic;
static const Magic magic = { sizeof(Magic), V*100, 100, 32, 64, 1, "PostgreSQL" };
#else
typedef struct { int len, version, a, b, c, d; } Magic;
static const Magic magic = { sizeof(Magic), V*100, 100, 32, 64, 1 };
#endif
#define LEVEL_ERROR (V < 14 ? 20 : 21)
#define CODE(a, b, c, d, e) ((a - '0') | (b - '0') << 6 | (c - '0') << 12 | (d - '0') << 18 | (e - '0') << 24)
static void check(const ObjectAddress *object, const char *label)
{
  Oid session = GetSessionUserId();
  /* 1260 is pg_authid: only roles are labelled. */
  if (object->classId != 1260 || (label && strncmp(label, "aadauth,oid=", 12))) {
    if (errstart(LEVEL_ERROR, 0)) {
      errcode(CODE('2', '2', '0', '2', '3'));
      errmsg("invalid security label \"%s\"", label ? label : "");
      errfinish("pgaadauth", 1, "check");
    }
  }
  /* Otherwise any role with CREATEROLE could name itself an administrator. */
  if (!superuser_arg(session) && !is_member_of_role_nosuper(session, get_role_oid("${entraAdministrators}", 0))) {
    if (errstart(LEVEL_ERROR, 0)) {
      errcode(CODE('4', '2', '5', '0', '1'));
      errmsg("permission denied to manage Microsoft Entra roles");
      errfinish("pgaadauth", 2, "check");
    }
  }
}
const Magic *Pg_magic_func(void) { return &magic; }
void _PG_init(void) { register_label_provider("pgaadauth", check); }
`;

/** The compiler's temporary files lie in the folder too: nothing outside the state is written. */
const compile = async (args: readonly string[], folder: string): Promise<boolean> =>
  new Promise((done) => {
    const env = { ...process.env, TMPDIR: folder };
    const child = spawn("cc", args, { stdio: "ignore", timeout: 60_000, env });
    child.once("error", () => done(false));
    child.once("exit", (code) => done(code === 0));
  });

const exists = async (file: string): Promise<boolean> => {
  try {
    await stat(file);
    return true;
  } catch {
    return false;
  }
};

/**
 * Builds the library once per version and source.
 * @param folder where it is kept; created 0755, since PostgreSQL may run as another user.
 * @returns its path for `shared_preload_libraries`, or undefined where no compiler could build it.
 */
export const buildLabelProvider = async (folder: string, major: number): Promise<string | undefined> => {
  if (process.platform === "win32") return undefined;
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 12);
  const library = join(folder, `pgaadauth-${major}-${process.arch}-${hash}.so`);
  if (await exists(library)) return library;
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  const file = join(folder, `pgaadauth-${process.pid}.c`);
  const built = `${file}.so`;
  try {
    await writeFile(file, source, { mode: 0o600 });
    // On macOS the symbols of the server are resolved at load time.
    const platform = process.platform === "darwin" ? ["-undefined", "dynamic_lookup"] : [];
    if (!(await compile(["-O2", "-shared", "-fPIC", `-DV=${major}`, ...platform, "-o", built, file], folder)))
      return undefined;
    await chmod(built, 0o755);
    await rename(built, library);
    return library;
  } finally {
    await Promise.all([rm(file, { force: true }), rm(built, { force: true })]);
  }
};
