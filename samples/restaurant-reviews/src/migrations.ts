import type { ClientBase } from "pg";

/** Each runs once, in this order. Add to the end; never change one that has been released. */
const MIGRATIONS: readonly string[] = [
  `create table restaurants (
     id bigint generated always as identity primary key,
     name text not null,
     street_address text not null,
     description text not null,
     created_at timestamptz not null default now()
   );
   create table reviews (
     id bigint generated always as identity primary key,
     restaurant_id bigint not null references restaurants on delete cascade,
     user_name text not null,
     rating smallint not null check (rating between 1 and 5),
     review_text text not null,
     photo text,
     created_at timestamptz not null default now()
   );
   create index reviews_by_restaurant on reviews (restaurant_id, created_at desc);`,
];

/** Any fixed number will do, as long as nothing else in this database uses it. */
const LOCK = 4_207_331;

/** Brings the schema up to date. Several instances may start at once: one migrates, the others wait. */
export async function migrate(client: ClientBase): Promise<number> {
  await client.query("begin");
  try {
    await client.query("select pg_advisory_xact_lock($1)", [LOCK]);
    // Not "create table if not exists": that wants CREATE on the schema even when the table is there.
    const { rows: tables } = await client.query<{ name: string | null }>(
      "select to_regclass('schema_migrations') as name",
    );
    if (!tables[0]?.name) await client.query("create table schema_migrations (version integer primary key)");
    const { rows } = await client.query<{ version: number }>("select max(version) as version from schema_migrations");
    const done = rows[0]?.version ?? 0;
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < done) continue;
      await client.query(statements);
      await client.query("insert into schema_migrations values ($1)", [index + 1]);
    }
    await client.query("commit");
    return Math.max(MIGRATIONS.length - done, 0);
  } catch (error) {
    // The connection may be what broke; the first error is the one that tells.
    await client.query("rollback").catch(() => undefined);
    throw error;
  }
}
