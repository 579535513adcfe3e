//! The audit log.

use super::assert_shows;
use crate::tests::house::{With, ask, get, now};
use crate::tests::mocks::Mocks;
use lethe_domain::audit::{AuditAct, AuditAction, AuditEntry};
use lethe_domain::{EventKind, UserId};
use lethe_ports::outbound::AuditFilter;

fn entry(seq: i64, actor: Option<i64>, reference: Option<&str>) -> AuditEntry {
    let act = AuditAct {
        action: AuditAction::Life(EventKind::SoftDeleted),
        subject: Some(UserId::new(1)),
        actor: actor.map(UserId::new),
        reference: reference.map(str::to_owned),
        at: now(),
    };
    AuditEntry { seq, act, hash: "ab".into() }
}

#[actix_web::test]
async fn the_log_is_read_backwards() {
    let table = [
        ("", AuditFilter::default()),
        ("&subject=1", AuditFilter { subject: Some(UserId::new(1)), ..AuditFilter::default() }),
        ("&action=hold.placed", AuditFilter { action: Some(AuditAction::HoldPlaced), ..AuditFilter::default() }),
        ("&cursor=9&subject=2", AuditFilter { subject: Some(UserId::new(2)), before: Some(9), ..AuditFilter::default() }),
    ];
    for (query, filter) in table {
        let mut mocks = Mocks::default();
        let found = vec![entry(8, Some(99), Some("7")), entry(7, None, None), entry(3, None, None)];
        mocks.audit.expect_entries().withf(move |_, asked, limit| *asked == filter && *limit == 3).once().return_once(|_, _, _| Ok(found));
        let reply = ask(mocks, get(&format!("/v1/audit?limit=2{query}")).by_admin()).await;
        let common = r#""at":"2026-01-01T00:00:00.123456Z","action":"user.soft_deleted","subject":1"#;
        let first = format!(r#"{{"seq":8,{common},"actor":99,"reference":"7","hash":"ab"}}"#);
        let second = format!(r#"{{"seq":7,{common},"actor":null,"reference":null,"hash":"ab"}}"#);
        assert_shows(&reply, &format!(r#"{{"items":[{first},{second}],"next":"7"}}"#));
    }
}
