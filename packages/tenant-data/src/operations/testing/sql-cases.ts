import { newer, type OperationCase, older, owner } from "./operation-case.ts";

const POSTS = `create table posts (id integer primary key, slug text not null, title text);
  create unique index posts_slug on posts (slug); create index posts_title on posts (title);
  insert into posts values (1, 'a', 'Good Day')`;
const IDENTITY = "select relreplident from pg_class where oid = 'posts'::regclass";

export const SQL_CASES: readonly OperationCase[] = [
  ...(["full", "nothing"] as const).map((type): OperationCase => ({
    operation: "set_replica_identity",
    name: type,
    given: POSTS,
    migrations: [{ set_replica_identity: { table: "posts", identity: { type } } }],
    afterStart: [owner(IDENTITY, "d")],
    afterBackfill: [owner(IDENTITY, "d"), newer("update posts set title = 'x' returning title", "x")],
    afterComplete: [owner(IDENTITY, type.charAt(0))],
    afterRollback: [owner(IDENTITY, "d"), owner("select title from posts", "x")],
  })),
  {
    operation: "set_replica_identity",
    name: "default again",
    given: `${POSTS}; alter table posts replica identity full`,
    migrations: [{ set_replica_identity: { table: "posts", identity: { type: "default" } } }],
    afterStart: [owner(IDENTITY, "f")],
    afterBackfill: [owner(IDENTITY, "f")],
    afterComplete: [owner(IDENTITY, "d")],
    afterRollback: [owner(IDENTITY, "f")],
  },
  {
    operation: "set_replica_identity",
    name: "a unique index",
    given: POSTS,
    migrations: [{ set_replica_identity: { table: "posts", identity: { type: "index", index: "posts_slug" } } }],
    afterStart: [owner(IDENTITY, "d")],
    afterBackfill: [owner(IDENTITY, "d")],
    afterComplete: [
      owner(IDENTITY, "i"),
      owner("select indisreplident from pg_index where indexrelid = 'posts_slug'::regclass", "true"),
    ],
    afterRollback: [owner(IDENTITY, "d")],
  },
  {
    operation: "set_replica_identity",
    name: "a unique index of the same release",
    given: POSTS.replace("title text", "title text not null"),
    migrations: [
      { create_index: { table: "posts", name: "posts_titles", columns: ["title"], unique: true } },
      { set_replica_identity: { table: "posts", identity: { type: "index", index: "posts_titles" } } },
    ],
    afterStart: [owner(IDENTITY, "d")],
    afterBackfill: [owner(IDENTITY, "d")],
    afterComplete: [owner(IDENTITY, "i")],
    afterRollback: [owner(IDENTITY, "d")],
  },
  {
    operation: "set_replica_identity",
    name: "an index that is not unique",
    given: POSTS,
    migrations: [{ set_replica_identity: { table: "posts", identity: { type: "index", index: "posts_title" } } }],
    expectedStartError: 'has no unique index "posts_title"',
  },
  {
    operation: "set_replica_identity",
    name: "an index that is not named",
    given: POSTS,
    migrations: [{ set_replica_identity: { table: "posts", identity: { type: "index" } } }],
    expectedStartError: "needs the name of a unique index",
  },
  {
    operation: "set_replica_identity",
    name: "of a table that is not there",
    given: POSTS,
    migrations: [{ set_replica_identity: { table: "nobody", identity: { type: "full" } } }],
    expectedStartError: 'there is no table "nobody"; there are posts.',
  },
  {
    operation: "sql",
    name: "with a way back, used by operations after it",
    given: POSTS,
    migrations: [
      {
        sql: {
          up: `create function slug_of(title text) returns text language sql immutable
                 as $$ select lower(replace(title, ' ', '-')) $$;
               create table tags (name text primary key);
               insert into tags values ('first');
               alter table posts add column likes integer not null default 0;`,
          down: "drop table tags; drop function slug_of(text); alter table posts drop column likes",
        },
      },
      { add_column: { table: "posts", column: { name: "path", type: "text", nullable: true }, up: "slug_of(title)" } },
    ],
    afterStart: [
      older("insert into posts values (10, 'b', 'Bad Day')"),
      older("select * from posts order by id", "1 | a | Good Day", "10 | b | Bad Day"),
    ],
    afterBackfill: [
      newer("select path, likes from posts order by id", "good-day | 0", "bad-day | 0"),
      newer("insert into tags values ('new')"),
      newer("update posts set likes = 3, title = 'X Y' where id = 1"),
      older("select title from posts where id = 1", "X Y"),
    ],
    afterComplete: [
      owner("select slug_of('A B')", "a-b"),
      owner("select name from tags order by 1", "first", "new"),
      owner("select likes from posts order by id", "3", "0"),
    ],
    afterRollback: [
      owner("select to_regclass('tags'), to_regproc('slug_of')", "null | null"),
      owner("select * from posts order by id", "1 | a | X Y", "10 | b | Bad Day"),
    ],
  },
  {
    operation: "sql",
    name: "without a way back",
    given: POSTS,
    migrations: [
      { sql: { up: "create index posts_both on posts (slug, title); update posts set title = 'Later' where id = 1" } },
    ],
    afterStart: [older("select title from posts", "Later")],
    afterBackfill: [newer("insert into posts values (20, 'c', 'C')")],
    afterComplete: [owner("select to_regclass('posts_both') is not null", "true")],
    afterRollback: [
      owner("select to_regclass('posts_both') is not null", "true"),
      owner("select title from posts order by id", "Later", "C"),
    ],
    noWayBack: true,
  },
  {
    operation: "sql",
    name: "when the older versions go",
    given: POSTS,
    migrations: [
      { rename_column: { table: "posts", from: "title", to: "heading" } },
      {
        sql: {
          up: "create view titles as select title from posts; update posts set slug = 'z' where id = 1",
          onComplete: true,
        },
      },
    ],
    afterStart: [owner("select to_regclass('titles')", "null")],
    afterBackfill: [
      newer("insert into posts values (20, 'c', 'C')"),
      older("select title from posts order by id", "Good Day", "C"),
      owner("select to_regclass('titles')", "null"),
    ],
    afterComplete: [
      owner("select * from titles order by 1", "C", "Good Day"),
      owner("select slug, heading from posts order by id", "z | Good Day", "c | C"),
    ],
    afterRollback: [
      owner("select to_regclass('titles')", "null"),
      owner("select slug, title from posts order by id", "a | Good Day", "c | C"),
    ],
    changesRowsAtTheEnd: true,
  },
  ...(
    [
      ["that is none", { up: "creat table n ()" }, "it is not SQL"],
      ["that the server refuses", { up: "drop table n" }, 'table "n" does not exist'],
      ["that runs in no transaction", { up: "vacuum posts" }, "can't run inside a transaction"],
      [
        "that builds an index concurrently",
        { up: "create index concurrently i on posts (id)" },
        "can't run inside a transaction",
      ],
      ["at the end with a way back", { up: "select 1", down: "select 2", onComplete: true }, 'leave "down" out'],
    ] as const
  ).map(([name, sql, expectedStartError]): OperationCase => ({
    operation: "sql",
    name,
    given: POSTS,
    migrations: [{ sql }],
    expectedStartError,
  })),
  {
    operation: "sql",
    name: "after an operation that gives the version columns of its own",
    given: POSTS,
    migrations: [
      { alter_column: { table: "posts", column: "title", nullable: false, up: "coalesce(title, '')", down: "title" } },
      { sql: { up: "update posts set title = 'x'" } },
    ],
    expectedStartError: 'Put it before them, or say "onComplete: true"',
  },
];
