//! The phrases by which leaks are known, in families: so many different phrases of one make a finding.

/// What leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leak {
    Trace,
    Database,
    Listing,
    Source,
    File,
}

/// What a body is, as far as its phrases depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Page,
    Data,
    Plain,
}

/// Phrases that mean the same.
pub(super) struct Family {
    pub(super) rule: Leak,
    /// How many of the phrases must be there.
    pub(super) needed: u32,
    /// Whether people write about it, so that it counts only in a response that is an error.
    pub(super) spoken: bool,
    /// Whether it counts only at the very beginning.
    pub(super) first: bool,
    pub(super) kinds: &'static [Kind],
    pub(super) phrases: &'static [&'static str],
}

const ALL: &[Kind] = &[Kind::Page, Kind::Data, Kind::Plain];
const TEXT: &[Kind] = &[Kind::Page, Kind::Plain];

const fn family(
    rule: Leak,
    needed: u32,
    spoken: bool,
    kinds: &'static [Kind],
    phrases: &'static [&'static str],
) -> Family {
    Family {
        rule,
        needed,
        spoken,
        first: false,
        kinds,
        phrases,
    }
}

pub(super) const FAMILIES: &[Family] = &[
    // Java: frames with files, and the packages of servers.
    family(
        Leak::Trace,
        2,
        true,
        ALL,
        &[
            "\tat java.",
            "\tat org.",
            "\tat com.",
            "\\tat java.",
            "\\tat org.",
            "\\tat com.",
            ".java:",
            "Exception in thread \"",
            "javax.servlet.ServletException",
            "jakarta.servlet.ServletException",
        ],
    ),
    // Python.
    family(
        Leak::Trace,
        2,
        true,
        ALL,
        &[
            "Traceback (most recent call last)",
            "  File \"",
            "File \\\"/",
            ", in <module>",
            "Werkzeug Debugger",
        ],
    ),
    // PHP: its errors name the file and the line.
    family(
        Leak::Trace,
        2,
        true,
        ALL,
        &[
            "Fatal error</b>:",
            "Fatal error: ",
            "Parse error</b>:",
            "Parse error: ",
            "Warning</b>:",
            "Notice</b>:",
            "Uncaught Error: ",
            "Uncaught PDOException",
            "</b> on line <b>",
            ".php on line ",
            "Stack trace:\n#0",
            "Whoops, looks like something went wrong",
        ],
    ),
    // .NET.
    family(
        Leak::Trace,
        2,
        true,
        ALL,
        &[
            "Server Error in '/",
            "<b> Exception Details: </b>",
            "   at System.",
            "\\r\\n   at System.",
            "   at Microsoft.AspNetCore.",
            "[NullReferenceException: ",
            "[HttpException",
            "<b>Source File:</b>",
            "System.Web.HttpUnhandledException",
        ],
    ),
    // Node, Ruby, Go, Rust.
    family(
        Leak::Trace,
        2,
        true,
        ALL,
        &[
            "    at Module._compile",
            "at Layer.handle [as handle_request]",
            "/node_modules/express/",
            "(node:internal/",
            "at processTicksAndRejections",
            "\\n    at /",
        ],
    ),
    family(
        Leak::Trace,
        1,
        true,
        ALL,
        &[
            "goroutine 1 [running]:",
            "panic: runtime error:",
            "ActionController::RoutingError",
            "thread 'main' panicked at",
            "Action Controller: Exception caught",
        ],
    ),
    family(
        Leak::Database,
        1,
        true,
        ALL,
        &[
            "You have an error in your SQL syntax",
            "SQLSTATE[",
            "Unclosed quotation mark after the character string",
            "quoted string not properly terminated",
            "Microsoft OLE DB Provider for ",
            "[Microsoft][ODBC ",
            "supplied argument is not a valid MySQL",
            "mysql_fetch_array()",
            "mysqli_sql_exception",
            "com.mysql.cj.jdbc.exceptions",
            "com.mysql.jdbc.exceptions",
            "java.sql.SQLException",
            "java.sql.SQLSyntaxErrorException",
            "org.postgresql.util.PSQLException",
            "pg_query(): Query failed",
            "PG::SyntaxError",
            "unterminated quoted string at or near",
            "System.Data.SqlClient.SqlException",
            "Incorrect syntax near ",
            "ORA-00933",
            "ORA-01756",
            "ORA-00936",
            "ORA-00942",
            "SQLITE_ERROR",
            "sqlite3.OperationalError",
            "SQLite3::SQLException",
            "near \\\": syntax error",
            "psycopg2.errors.",
            "MongoServerError: ",
            "Dynamic SQL Error",
            "DB2 SQL error:",
            "javax.naming.NameNotFoundException",
        ],
    ),
    family(
        Leak::Listing,
        2,
        false,
        &[Kind::Page],
        &[
            "<title>Index of /",
            "<h1>Index of /",
            "Parent Directory</a>",
            "<title>Directory listing for /",
            "<h2>Directory listing for /",
            "<title>Directory Listing For [/",
            "[To Parent Directory]</",
            "<pre><A HREF=\"/",
            "Directory Listing -- /",
            "<title>Listing directory /",
        ],
    ),
    Family {
        rule: Leak::Source,
        needed: 1,
        spoken: false,
        first: true,
        kinds: TEXT,
        phrases: &[
            "<?php",
            "<?=",
            "<%@ page",
            "<%@page",
            "<%@ Page",
            "<%@ taglib",
            "<jsp:root",
            "#!/usr/bin/perl",
            "#!/usr/bin/python",
            "#!/usr/bin/env python",
            "#!/bin/sh",
            "#!/bin/bash",
        ],
    },
    family(
        Leak::File,
        2,
        false,
        ALL,
        &[
            "root:x:0:0:",
            "daemon:x:1:",
            "bin:x:",
            "nobody:x:",
            "root:*:0:0:",
            ":/usr/sbin/nologin",
            ":/sbin/nologin",
            ":/bin/bash",
        ],
    ),
    family(
        Leak::File,
        1,
        false,
        ALL,
        &[
            "; for 16-bit app support",
            "[boot loader]\r\ntimeout=",
            "root:$6$",
            "root:$y$",
            "uid=0(root) gid=0(root)",
            "<web-app xmlns=\"http",
            "[core]\n\trepositoryformatversion",
            "DB_PASSWORD=",
            "AWS_SECRET_ACCESS_KEY=",
            "\"AccessKeyId\" : \"ASIA",
            "\"AccessKeyId\":\"ASIA",
        ],
    ),
];
