//! What a word means in SQL, over the dialects of MySQL, PostgreSQL, SQL Server, Oracle and SQLite.

/// The part of speech of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// `and`, `or`, `xor`.
    Logic,
    /// `not`, `binary` and the like before an operand.
    Prefix,
    /// `like`, `in`, `between`, `is`: compares what stands on both sides.
    Compare,
    /// `div`, `mod`, `collate`.
    Operator,
    /// `union`, `intersect`, `except`, `minus`.
    Union,
    /// `all`, `distinct`.
    Quantity,
    Select,
    From,
    Where,
    Having,
    /// `order` and `group`.
    Sort,
    By,
    Limit,
    Into,
    Values,
    Set,
    As,
    Case,
    When,
    Procedure,
    /// Begins a statement that changes something or runs code.
    Statement,
    /// What a statement acts on: `table`, `database`.
    Thing,
    /// `null`, `true`, `current_user`.
    Constant,
    /// Delays, fails on purpose, reads files.
    Danger,
    /// A function that SQL has and prose has not.
    Function,
    /// A table, package or variable of the database itself.
    Schema,
    /// Anything else.
    Name,
}

/// Classifies a lower-case word, dots included.
pub(super) fn classify(word: &[u8]) -> Word {
    match word {
        b"and" | b"or" | b"xor" => Word::Logic,
        b"not" | b"binary" | b"exists" | b"any" | b"some" | b"interval" => Word::Prefix,
        b"like" | b"rlike" | b"regexp" | b"ilike" | b"glob" | b"in" | b"between" | b"is"
        | b"sounds" | b"similar" | b"isnull" | b"notnull" | b"match" => Word::Compare,
        b"div" | b"mod" | b"collate" => Word::Operator,
        b"union" | b"intersect" | b"except" | b"minus" => Word::Union,
        b"all" | b"distinct" | b"distinctrow" => Word::Quantity,
        b"select" => Word::Select,
        b"from" => Word::From,
        b"where" => Word::Where,
        b"having" => Word::Having,
        b"order" | b"group" => Word::Sort,
        b"by" => Word::By,
        b"limit" | b"offset" | b"rlimit" => Word::Limit,
        b"into" => Word::Into,
        b"values" => Word::Values,
        b"set" => Word::Set,
        b"as" => Word::As,
        b"case" => Word::Case,
        b"when" => Word::When,
        b"procedure" => Word::Procedure,
        b"insert" | b"update" | b"delete" | b"drop" | b"create" | b"alter" | b"truncate"
        | b"exec" | b"execute" | b"declare" | b"shutdown" | b"waitfor" | b"call" | b"begin"
        | b"grant" | b"revoke" | b"merge" | b"replace" | b"handler" | b"load" | b"copy"
        | b"attach" | b"backup" | b"restore" | b"if" | b"while" | b"do" | b"rename" | b"use"
        | b"with" | b"go" | b"kill" | b"reconfigure" | b"dbcc" => Word::Statement,
        b"table" | b"database" | b"user" | b"index" | b"view" | b"schema" | b"trigger"
        | b"function" | b"column" | b"login" | b"role" => Word::Thing,
        b"null" | b"true" | b"false" | b"current_user" | b"session_user" | b"system_user"
        | b"current_timestamp" | b"current_date" | b"sysdate" | b"unknown" | b"utc_time"
        | b"utc_timestamp" | b"localtime" => Word::Constant,
        b"sleep"
        | b"benchmark"
        | b"pg_sleep"
        | b"pg_sleep_for"
        | b"extractvalue"
        | b"updatexml"
        | b"load_file"
        | b"randomblob"
        | b"zeroblob"
        | b"load_extension"
        | b"xmltype"
        | b"pg_read_file"
        | b"pg_ls_dir"
        | b"lo_import"
        | b"lo_export"
        | b"dblink"
        | b"dblink_connect"
        | b"openrowset"
        | b"opendatasource"
        | b"openquery"
        | b"xp_cmdshell"
        | b"xp_dirtree"
        | b"xp_regread"
        | b"xp_fileexist"
        | b"sp_oacreate"
        | b"sp_executesql"
        | b"sp_password"
        | b"sp_configure"
        | b"make_set"
        | b"elt"
        | b"name_const"
        | b"generate_series"
        | b"gtid_subset"
        | b"json_keys"
        | b"st_latfromgeohash"
        | b"polygon"
        | b"linestring"
        | b"multipoint"
        | b"geometrycollection"
        | b"database_to_xml"
        | b"query_to_xml"
        | b"regexp_substring"
        | b"crypt_key"
        | b"httpuritype"
        | b"utl_inaddr"
        | b"procedure_analyse"
        | b"sys_eval"
        | b"sys_exec"
        | b"row_count"
        | b"sqlite_version" => Word::Danger,
        b"char" | b"chr" | b"nchar" | b"concat" | b"concat_ws" | b"group_concat"
        | b"string_agg" | b"listagg" | b"ascii" | b"substring" | b"substr" | b"mid" | b"ord"
        | b"hex" | b"unhex" | b"version" | b"count" | b"length" | b"char_length" | b"len"
        | b"ifnull" | b"nullif" | b"iif" | b"cast" | b"convert" | b"floor" | b"ceil" | b"rand"
        | b"exp" | b"upper" | b"lower" | b"ucase" | b"lcase" | b"left" | b"right" | b"lpad"
        | b"rpad" | b"repeat" | b"reverse" | b"row" | b"min" | b"max" | b"sum" | b"avg"
        | b"coalesce" | b"db_name" | b"user_name" | b"host_name" | b"is_srvrolemember"
        | b"has_dbaccess" | b"object_id" | b"instr" | b"locate" | b"position" | b"strcmp"
        | b"greatest" | b"least" | b"md5" | b"sha1" | b"bin" | b"conv" | b"quote" | b"soundex"
        | b"decode" | b"nvl" | b"to_char" | b"rawtohex" | b"last_insert_id" | b"connection_id"
        | b"schema_name" | b"encode" | b"compress" | b"aes_encrypt" | b"aes_decrypt"
        | b"des_encrypt" | b"des_decrypt" | b"crc32" | b"json_extract" | b"json_object"
        | b"json_array" | b"typeof" | b"unicode" | b"hextoraw" | b"from_base64" | b"to_base64"
        | b"ltrim" | b"rtrim" | b"bit_count" | b"field" | b"current_database"
        | b"current_setting" | b"inet_ntoa" | b"uuid" | b"newid" | b"tan" | b"sin" | b"cos"
        | b"sqrt" | b"pi" | b"abs" | b"sqlid_to_sqlhash" => Word::Function,
        _ => dotted(word),
    }
}

fn dotted(word: &[u8]) -> Word {
    /// Letters of the shortest of them: most words are shorter.
    const SHORTEST: usize = 6;
    const SCHEMAS: [&[u8]; 40] = [
        b"information_schema",
        b"sysobjects",
        b"syscolumns",
        b"sysusers",
        b"sysdatabases",
        b"syslogins",
        b"sysprocesses",
        b"pg_catalog",
        b"pg_user",
        b"pg_shadow",
        b"pg_database",
        b"pg_tables",
        b"pg_class",
        b"sqlite_master",
        b"sqlite_schema",
        b"all_tables",
        b"all_users",
        b"all_tab_columns",
        b"user_tables",
        b"user_tab_columns",
        b"dba_users",
        b"user_users",
        b"v$version",
        b"v$session",
        b"sysibm",
        b"syscat",
        b"systables",
        b"innodb_table_stats",
        b"msysaccessobjects",
        b"msysobjects",
        b"session_privs",
        b"sysmaster",
        b"dbms_pipe",
        b"dbms_lock",
        b"dbms_utility",
        b"dbms_xmlgen",
        b"utl_http",
        b"utl_inaddr",
        b"user_lock",
        b"ctxsys",
    ];
    let has_dot = word.contains(&b'.');
    let mut segments = word.split(|&b| b == b'.').filter(|s| !s.is_empty());
    let (first, last) = (segments.next().unwrap_or_default(), segments.next_back());
    let schema = |name: &&[u8]| name.len() >= SHORTEST && SCHEMAS.contains(name);
    if schema(&first)
        || last.is_some_and(|last| schema(&last))
        || first.starts_with(b"rdb$")
        || first.starts_with(b"dbms_")
    {
        return Word::Schema;
    }
    if has_dot
        && matches!(
            first,
            b"sys" | b"mysql" | b"master" | b"msdb" | b"tempdb" | b"performance_schema" | b"domain"
        )
        && last.is_some()
    {
        return match last {
            Some(
                b"user" | b"db" | b"tables" | b"columns" | b"databases" | b"objects" | b"schemata"
                | b"dbo" | b"domains" | b"xp_cmdshell" | b"server_principals",
            ) => Word::Schema,
            _ => Word::Name,
        };
    }
    match last {
        Some(last) if has_dot && matches!(classify(last), Word::Danger) => Word::Danger,
        _ => Word::Name,
    }
}
