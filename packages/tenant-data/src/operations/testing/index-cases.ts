import { newer, type OperationCase, older, owner, refused } from "./operation-case.ts";

const FILMS = `create table films (id integer primary key, title text, stars integer, tags text[]);
  create index films_stars on films (stars); create unique index films_titles on films (title);
  insert into films values (1, 'Up', 5, '{a}')`;
const STATED =
  "select indexdef like '%UNIQUE%', indisvalid from pg_indexes join pg_index on indexrelid = to_regclass(indexname) where schemaname = current_schema()";

export const INDEX_CASES: readonly OperationCase[] = [
  {
    operation: "create_index",
    name: "over some rows, in an order of its own",
    given: FILMS,
    migrations: [
      {
        create_index: {
          table: "films",
          name: "films_best",
          columns: { stars: { sort: "DESC", nulls: "LAST" }, id: {} },
          predicate: "stars > 3",
          storage_parameters: "fillfactor = 70",
        },
      },
      { create_index: { table: "films", name: "films_tags", columns: ["tags"], method: "gin" } },
    ],
    afterStart: [owner("select to_regclass('films_best')", "null"), older("insert into films values (10, 'Out', 2)")],
    afterBackfill: [
      owner(`${STATED} and indexname in ('films_best', 'films_tags')`, "false | true", "false | true"),
      newer("insert into films values (20, 'In', 4) returning stars", "4"),
    ],
    afterComplete: [
      owner(
        "select substring(indexdef from 'USING.*') from pg_indexes where schemaname = current_schema() and indexname = 'films_best'",
        "USING btree (stars DESC NULLS LAST, id) WITH (fillfactor='70') WHERE (stars > 3)",
      ),
    ],
    afterRollback: [owner("select count(to_regclass(name)) from unnest('{films_best, films_tags}'::text[]) name", "0")],
  },
  {
    operation: "create_index",
    name: "that is unique",
    given: FILMS,
    migrations: [{ create_index: { table: "films", name: "films_once", columns: ["stars"], unique: true } }],
    afterStart: [older("insert into films values (10, 'Out', 2)")],
    afterBackfill: [
      newer("insert into films values (20, 'In', 2) on conflict (stars) do update set title = 'Both'"),
      older("select title from films where stars = 2", "Both"),
      refused(older("insert into films values (21, 'Down', 5)"), "films_once"),
    ],
    afterComplete: [owner(`${STATED} and indexname = 'films_once'`, "true | true")],
    afterRollback: [owner("insert into films values (30, 'Down', 5) returning id", "30")],
  },
  {
    operation: "create_index",
    name: "on a column that the release converts",
    given: FILMS,
    migrations: [
      { alter_column: { table: "films", column: "stars", type: "text", up: "stars::text", down: "stars::integer" } },
      { create_index: { table: "films", name: "films_star_text", columns: ["stars"] } },
    ],
    afterStart: [older("insert into films values (10, 'Out', 2)")],
    afterBackfill: [newer("select stars || '*' from films order by id", "5*", "2*")],
    afterComplete: [
      owner(
        "select count(*) from pg_indexes where schemaname = current_schema() and indexname = 'films_star_text' and indexdef like '%(stars)%'",
        "1",
      ),
      owner(
        "select count(*) from pg_indexes where schemaname = current_schema() and indexname = 'films_stars' and indexdef like '%(stars)%'",
        "1",
      ),
    ],
    afterRollback: [owner("select stars from films order by id", "5", "2")],
  },
  {
    operation: "create_index",
    name: "that is unique, over values that are not",
    given: `${FILMS}, (2, 'Down', 5, null)`,
    migrations: [{ create_index: { table: "films", name: "films_once", columns: ["stars"], unique: true } }],
    expectedBackfillError:
      'building index "films_once" on "films" failed: could not create unique index "films_once" (SQLSTATE 23505). Key (stars)=(5) is duplicated.',
  },
  {
    operation: "create_index",
    name: "with the name of another",
    given: FILMS,
    migrations: [{ create_index: { table: "films", name: "films_stars", columns: ["id"] } }],
    expectedStartError: 'there is an index or table "films_stars" already',
  },
  {
    operation: "create_index",
    name: "on a column that is not there",
    given: FILMS,
    migrations: [{ create_index: { table: "films", name: "n", columns: ["x"] } }],
    expectedStartError: 'table "films" has no column "x"',
  },
  {
    operation: "create_index",
    name: "on a table that is not there",
    given: FILMS,
    migrations: [{ create_index: { table: "nobody", name: "n", columns: ["x"] } }],
    expectedStartError: 'there is no table "nobody"; there are films.',
  },
  {
    operation: "drop_index",
    name: "that reading needs",
    given: FILMS,
    migrations: [{ drop_index: { name: "films_stars" } }],
    afterStart: [owner("select to_regclass('films_stars') is not null", "true")],
    afterBackfill: [
      newer("select stars from films", "5"),
      owner("select to_regclass('films_stars') is not null", "true"),
    ],
    afterComplete: [owner("select to_regclass('films_stars')", "null")],
    afterRollback: [owner("select to_regclass('films_stars') is not null", "true")],
  },
  {
    operation: "drop_index",
    name: "that is unique: it holds until the older version goes",
    given: FILMS,
    migrations: [{ drop_index: { name: "films_titles" } }],
    afterStart: [refused(older("insert into films values (10, 'Up', 1)"), "films_titles")],
    afterBackfill: [refused(newer("insert into films values (20, 'Up', 1)"), "films_titles")],
    afterComplete: [owner("insert into films values (30, 'Up', 1) returning id", "30")],
    afterRollback: [refused(owner("insert into films values (30, 'Up', 1)"), "films_titles")],
  },
  {
    operation: "drop_index",
    name: "that is not there",
    given: FILMS,
    migrations: [{ drop_index: { name: "n" } }],
    expectedStartError: 'there is no index "n"',
  },
  {
    operation: "drop_index",
    name: "that a constraint has",
    given: FILMS,
    migrations: [{ drop_index: { name: "films_pkey" } }],
    expectedStartError: 'belongs to constraint "films_pkey"',
  },
  {
    operation: "drop_index",
    name: "that a reference needs",
    given: `${FILMS}; create table shows (film text constraint shows_film references films (title))`,
    migrations: [{ drop_index: { name: "films_titles" } }],
    expectedStartError: '"shows_film" of table "shows" needs a key over title of "films", which the release drops',
  },
  {
    operation: "drop_index",
    name: "that a reference is bound to, while another is over the same columns",
    given: `${FILMS}; create table shows (film text constraint shows_film references films (title));
      create unique index films_titles_too on films (title)`,
    migrations: [{ drop_index: { name: "films_titles" } }],
    expectedStartError:
      '"shows_film" of table "shows" is bound to the index "films_titles" of "films", which the release drops',
  },
  {
    operation: "drop_index",
    name: "that a reference of a new table would be bound to",
    given: `${FILMS}; create unique index films_titles_too on films (title)`,
    migrations: [
      {
        create_table: {
          name: "shows",
          columns: [
            {
              name: "film",
              type: "text",
              references: { name: "shows_film", table: "films", column: "title" },
            },
          ],
        },
      },
      { drop_index: { name: "films_titles" } },
    ],
    expectedStartError: '"shows_film" of table "shows" is bound to the index "films_titles" of "films"',
  },
  {
    operation: "drop_index",
    name: "that a reference of the same release came to be bound to",
    given: `${FILMS}; create table shows (film text); create unique index films_titles_too on films (title)`,
    migrations: [
      { drop_index: { name: "films_titles" } },
      {
        create_constraint: {
          table: "shows",
          name: "shows_film",
          type: "foreign_key",
          columns: ["film"],
          references: { table: "films", columns: ["title"] },
          up: { film: "film" },
          down: { film: "film" },
        },
      },
    ],
    expectedBackfillError: '"shows_film" of table "shows" is bound to the index "films_titles" of "films"',
  },
  {
    operation: "drop_index",
    name: "beside one that a reference is bound to",
    given: `${FILMS}; create table shows (film text constraint shows_film references films (title));
      create unique index films_titles_too on films (title)`,
    migrations: [{ drop_index: { name: "films_titles_too" } }],
    afterStart: [refused(older("insert into shows values ('None')"), "shows_film")],
    afterBackfill: [refused(newer("insert into shows values ('None')"), "shows_film")],
    afterComplete: [
      refused(owner("insert into shows values ('None')"), "shows_film"),
      owner("select to_regclass('films_titles_too') is null as gone", "true"),
    ],
    afterRollback: [refused(owner("insert into shows values ('None')"), "shows_film")],
  },
];
