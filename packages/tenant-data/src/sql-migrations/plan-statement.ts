import { listOf, nameParts, nodeOf, textOf } from "../statement-risk/syntax-tree.ts";
import type { SqlStatement } from "./split-statements.ts";

/** What becomes of a statement of a file. Reasons complete the sentence "this statement is …". */
export type Treatment =
  | { readonly kind: "run" }
  /** Left out, with a notice: what it asks for is the platform's, and the data is the same without it. */
  | { readonly kind: "skip"; readonly reason: string }
  | { readonly kind: "refuse"; readonly reason: string }
  /** Carried out by the platform before the file. */
  | { readonly kind: "extension"; readonly name: string }
  | { readonly kind: "transaction"; readonly step: TransactionStep }
  /** What the files made in these schemas is dropped. */
  | { readonly kind: "empty"; readonly schemas: readonly string[] };

export type TransactionStep = "begin" | "commit" | "rollback" | "savepoint";

const ROLES = "roles and their rights are the platform's";
const EXTENSIONS = "extensions are shared by all tenants of the database";
const DATABASES = "databases are the operator's";

const SKIPPED: Readonly<Record<string, string>> = {
  CreateRoleStmt: ROLES,
  AlterRoleStmt: ROLES,
  AlterRoleSetStmt: ROLES,
  DropRoleStmt: ROLES,
  GrantRoleStmt: ROLES,
  ReassignOwnedStmt: ROLES,
  DropOwnedStmt: ROLES,
  AlterDefaultPrivilegesStmt: ROLES,
  AlterExtensionStmt: EXTENSIONS,
  AlterExtensionContentsStmt: EXTENSIONS,
  AlterDatabaseSetStmt: DATABASES,
  DiscardStmt: "the session is the platform's",
  CheckPointStmt: "the server's work is the operator's",
};

const REFUSED: Readonly<Record<string, string>> = {
  CreatedbStmt: DATABASES,
  DropdbStmt: DATABASES,
  AlterDatabaseStmt: DATABASES,
  AlterDatabaseRefreshCollStmt: DATABASES,
  AlterSystemStmt: "the server's settings are the operator's",
  CreateTableSpaceStmt: "tablespaces are the operator's",
  DropTableSpaceStmt: "tablespaces are the operator's",
  CreateSubscriptionStmt: "replication is the operator's",
  CreatePublicationStmt: "replication is the operator's",
  LoadStmt: "libraries are the operator's",
};

const ONE_SCHEMA = "a tenant's data for a module is one schema, which the platform makes";

/** Decides what becomes of a statement, when a history has made some schemas. */
export function treatStatement({ type, fields, rows }: SqlStatement, schemas: ReadonlySet<string>): Treatment {
  const skipped = Object.hasOwn(SKIPPED, type) ? SKIPPED[type] : undefined;
  if (skipped !== undefined) return { kind: "skip", reason: skipped };
  const refused = Object.hasOwn(REFUSED, type) ? REFUSED[type] : undefined;
  if (refused !== undefined) return refuse(refused);
  switch (type) {
    case "TransactionStmt":
      return transactionStep(textOf(fields["kind"]));
    case "CreateExtensionStmt": {
      const name = textOf(fields["extname"]);
      return name === "plpgsql" ? skip("plpgsql is there already") : { kind: "extension", name };
    }
    case "CreatePLangStmt":
      return textOf(fields["plname"]) === "plpgsql"
        ? skip("plpgsql is there already")
        : refuse("languages are the operator's");
    case "CommentStmt":
      return isOneOf(fields["objtype"], ["OBJECT_EXTENSION", "OBJECT_DATABASE", "OBJECT_ROLE", "OBJECT_TABLESPACE"])
        ? skip("what it describes is not the tenant's alone")
        : fields["objtype"] === "OBJECT_SCHEMA" && nameParts([fields["object"]])[0] !== "public"
          ? standsFor(nameParts([fields["object"]])[0] ?? "", schemas)
          : RUN;
    case "AlterOwnerStmt":
      if (fields["objectType"] === "OBJECT_DATABASE") return refuse(DATABASES);
      return isOneOf(fields["objectType"], ["OBJECT_LANGUAGE", "OBJECT_LARGEOBJECT", "OBJECT_SCHEMA"])
        ? skip(ROLES)
        : RUN;
    case "GrantStmt":
      return grant(fields);
    case "CreateSchemaStmt":
      return listOf(fields["schemaElts"]).length === 0
        ? standsFor(textOf(fields["schemaname"]), schemas)
        : refuse(ONE_SCHEMA);
    case "DropStmt":
      if (fields["removeType"] === "OBJECT_EXTENSION") return skip(EXTENSIONS);
      return fields["removeType"] === "OBJECT_SCHEMA" ? dropSchemas(fields, schemas) : RUN;
    case "AlterObjectSchemaStmt":
      return fields["objectType"] === "OBJECT_EXTENSION"
        ? skip(EXTENSIONS)
        : standsFor(textOf(fields["newschema"]), schemas);
    case "RenameStmt":
      return isOneOf(fields["renameType"], ["OBJECT_SCHEMA", "OBJECT_DATABASE", "OBJECT_ROLE", "OBJECT_TABLESPACE"])
        ? refuse(fields["renameType"] === "OBJECT_SCHEMA" ? ONE_SCHEMA : ROLES)
        : RUN;
    case "CopyStmt":
      return copy(fields, rows);
    case "VariableSetStmt":
      return setting(fields, schemas);
    case "SelectStmt":
      return setsSearchPath(fields, schemas) ? skip(SEARCH_PATH) : RUN;
    default:
      return RUN;
  }
}

const RUN: Treatment = { kind: "run" };
const skip = (reason: string): Treatment => ({ kind: "skip", reason });
const refuse = (reason: string): Treatment => ({ kind: "refuse", reason });
const isOneOf = (value: unknown, texts: readonly string[]): boolean => texts.includes(textOf(value));

function standsFor(schema: string, schemas: ReadonlySet<string>): Treatment {
  return schemas.has(schema) ? skip(`the tenant's schema stands for ${schema}`) : refuse(ONE_SCHEMA);
}

function dropSchemas(fields: SqlStatement["fields"], schemas: ReadonlySet<string>): Treatment {
  const names = nameParts(fields["objects"]);
  const known = names.filter((name) => schemas.has(name));
  if (names.includes("public") || (known.length < names.length && fields["missing_ok"] !== true)) {
    return refuse(ONE_SCHEMA);
  }
  return known.length > 0 && fields["behavior"] === "DROP_CASCADE"
    ? { kind: "empty", schemas: known }
    : skip(`the tenant's schema stands for ${names.join(", ")}`);
}

function transactionStep(kind: string): Treatment {
  switch (kind) {
    case "TRANS_STMT_BEGIN":
    case "TRANS_STMT_START":
      return { kind: "transaction", step: "begin" };
    case "TRANS_STMT_COMMIT":
      return { kind: "transaction", step: "commit" };
    case "TRANS_STMT_ROLLBACK":
      return { kind: "transaction", step: "rollback" };
    case "TRANS_STMT_SAVEPOINT":
    case "TRANS_STMT_RELEASE":
    case "TRANS_STMT_ROLLBACK_TO":
      return { kind: "transaction", step: "savepoint" };
    default:
      return refuse("a prepared transaction would outlive the file");
  }
}

/** Rights for everybody and for the owner stay; other roles are not there, or not the module's to name. */
function grant(fields: SqlStatement["fields"]): Treatment {
  if (isOneOf(fields["objtype"], ["OBJECT_SCHEMA", "OBJECT_DATABASE", "OBJECT_TABLESPACE", "OBJECT_LANGUAGE"])) {
    return skip(ROLES);
  }
  const named = listOf(fields["grantees"]).some(
    (grantee) => textOf(nodeOf(grantee)?.fields["roletype"]) === "ROLESPEC_CSTRING",
  );
  return named ? skip(ROLES) : RUN;
}

function copy(fields: SqlStatement["fields"], rows: string | undefined): Treatment {
  if (fields["filename"] !== undefined || fields["is_program"] === true) {
    return refuse("a file or program of the server is the operator's");
  }
  if (fields["is_from"] !== true) return refuse("nobody would read what COPY … TO STDOUT writes");
  return rows === undefined ? refuse('the rows of COPY … FROM STDIN must follow it, up to a line "\\."') : RUN;
}

const SEARCH_PATH = "the search path is the tenant's schema";
/** Schemas that a search path may name: the tenant's schema stands for them, or they are there anyway. */
const ORDINARY = new Set(["public", "", "$user", '"$user"', "pg_catalog", "pg_temp", "aibos_extensions"]);

function isOrdinary(part: string, schemas: ReadonlySet<string>): boolean {
  return ORDINARY.has(part.trim()) || schemas.has(part.trim());
}

/** Settings that say who runs, or how the connection talks. */
const OURS: Readonly<Record<string, string>> = {
  role: ROLES,
  session_authorization: ROLES,
  client_encoding: "files are UTF-8",
  // Gone from PostgreSQL since version 12; older dumps set it.
  default_with_oids: "PostgreSQL has no such setting any more",
};

function setting(fields: SqlStatement["fields"], schemas: ReadonlySet<string>): Treatment {
  const name = textOf(fields["name"]).toLowerCase();
  if (fields["kind"] === "VAR_RESET_ALL") return skip("the session is the platform's");
  const ours = Object.hasOwn(OURS, name) ? OURS[name] : undefined;
  if (ours !== undefined) return skip(ours);
  if (name === "standard_conforming_strings" && !isOn(fields["args"])) {
    return refuse("files are read with standard_conforming_strings on");
  }
  if (name !== "search_path") return RUN;
  const foreign = listOf(fields["args"])
    .map(constantText)
    .flatMap((text) => text.split(","))
    .find((schema) => !isOrdinary(schema, schemas));
  return foreign === undefined ? skip(SEARCH_PATH) : refuse(`${ONE_SCHEMA}; there is no ${foreign.trim()}`);
}

function isOn(args: unknown): boolean {
  return listOf(args).every((arg) => ["on", "true", "1", "yes"].includes(constantText(arg).toLowerCase()));
}

function constantText(arg: unknown): string {
  const constant = nodeOf(arg)?.fields["sval"];
  return typeof constant === "object" && constant !== null && "sval" in constant ? textOf(constant.sval) : "";
}

/** `select pg_catalog.set_config('search_path', '', false)`, which begins what pg_dump writes. */
function setsSearchPath(fields: SqlStatement["fields"], schemas: ReadonlySet<string>): boolean {
  const targets = listOf(fields["targetList"]);
  const call = nodeOf(nodeOf(targets[0])?.fields["val"]);
  if (targets.length !== 1 || call?.type !== "FuncCall") return false;
  const [name, path] = listOf(call.fields["args"]);
  return (
    nameParts(call.fields["funcname"]).at(-1) === "set_config" &&
    constantText(name).toLowerCase() === "search_path" &&
    constantText(path)
      .split(",")
      .every((schema) => isOrdinary(schema, schemas))
  );
}
