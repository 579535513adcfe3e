//! Pages on problems, for people: what happened, and what to do. They need no token and nothing from elsewhere. All that is in them is from
//! the table of problems; nothing of a request is.

use super::answer::Answer;
use super::error::{Kind, Problem, Row};
use crate::request::Context;
use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_SECURITY_POLICY;

const STYLE: &str = "\
:root{color-scheme:light dark;--text:#1c1c1e;--quiet:#5c5c66;--back:#fbfbfa;--line:#d9d9de;--link:#0b57a4}\
@media(prefers-color-scheme:dark){:root{--text:#e8e8ea;--quiet:#a5a5b0;--back:#161618;--line:#3a3a40;--link:#8ab8f0}}\
body{margin:0 auto;max-width:42rem;padding:3rem 1.25rem;font:1.0625rem/1.6 system-ui,sans-serif;color:var(--text);background:var(--back)}\
h1{margin:.25rem 0 2rem;font-size:1.75rem;line-height:1.25}\
h2{margin:2rem 0 .25rem;font-size:1rem}\
p{margin:0}\
a{color:var(--link)}\
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line)}\
ul{margin:0;padding:0;list-style:none}\
li{padding:.5rem 0;border-top:1px solid var(--line)}\
.status{color:var(--quiet);font-variant-numeric:tabular-nums}";

/// Lists all kinds of problems.
pub(super) async fn list() -> HttpResponse {
    let item = |row: Row| format!("<li><span class=\"status\">{}</span> <a href=\"{}\">{}</a></li>", row.status.as_u16(), row.address(), row.title);
    let items: String = Kind::ALL.iter().map(|kind| item(kind.row())).collect();
    document("Problems", &format!("<main><h1>Problems</h1><ul>{items}</ul></main>"))
}

/// Explains one kind of problem.
pub(super) async fn show(context: Context) -> Answer {
    let kind = Kind::of_slug(context.segment("slug")).ok_or(Problem::NotFound)?;
    let row = kind.row();
    let Row { title, explanation, remedy, .. } = row;
    let main = format!(
        "<main><p class=\"status\">{}</p><h1>{title}</h1><section><h2>What happened</h2><p>{explanation}</p></section>\
         <section><h2>What to do</h2><p>{remedy}</p></section></main><footer><a href=\"/problems\">All problems</a></footer>",
        row.status
    );
    Ok(document(title, &main))
}

fn document(title: &str, content: &str) -> HttpResponse {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title} - Lethe</title><style>{STYLE}</style></head><body>{content}</body></html>\n"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(html)
}
