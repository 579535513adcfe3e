//! Import and export.

use super::content::{publish, toggle};
use super::{FullStore, add_user, delete_user, limits, now, reading, stamp, terms, transact, try_add_user, writing};
use crate::MemoryStore;
use crate::fixture::{post, preference, user, user_with_ext_id};
use futures_util::TryStreamExt as _;
use lethe_domain::account::{Account, DeletionMode, UserStatus};
use lethe_domain::archive::{CheckedRecord, Record, RecordError};
use lethe_domain::content::{NewPost, PostKind, PostTitle};
use lethe_domain::event::EventKind;
use lethe_domain::hold::{HoldReason, NewHold};
use lethe_domain::limits::{Limits, QuotaError};
use lethe_domain::webhook::{DeliveryState, EndpointId, Subscription};
use lethe_domain::{HoldId, PostId, Revision, Timestamp, UserId};
use lethe_ports::outbound::{
    ArchiveStore as _, AuditFilter, DuePurge, Forgettable, ImportTerms, InsertUserError, PreferenceStoreError, RecordOutcome, RevokedToken, StoreError,
};
use std::time::Duration;

async fn export(store: &impl FullStore) -> Vec<Record> {
    store.export().try_concat().await.expect("reachable")
}

fn check(record: Record) -> CheckedRecord {
    record.check(&limits(), now()).expect("well-formed")
}

async fn import(store: &impl FullStore, lines: &[&str]) -> Vec<RecordOutcome> {
    let batch = lines.iter().map(|line| check(Record::parse(line).expect("well-formed"))).collect();
    store.import(batch, terms(&limits())).await.expect("reachable")
}

fn hold(expires_at: Option<Timestamp>) -> NewHold {
    NewHold { reason: HoldReason::from_store("a court\norder".into()), expires_at }
}

async fn place(store: &impl FullStore, user: UserId, hold: NewHold) -> HoldId {
    transact(store, move |tx| Box::pin(async move { tx.insert_hold(user, &hold, stamp()).await })).await
}

fn revocation(digit: &str, rest: &str) -> String {
    format!(r#"{{"type":"revocation","id":"{}"{rest}}}"#, digit.repeat(128))
}

/// A store with something of everything.
async fn fill(store: &impl FullStore) {
    let ann = try_add_user(store, user_with_ext_id("Ann", "x-1")).await.expect("free");
    let bob = add_user(store, "bob").await;
    let soft = add_user(store, "soft").await;
    let gone = add_user(store, "gone").await;
    for (owner, name, value) in [(ann, "theme", "{\"b\":1.0,\"a\":[]}"), (ann, "a.b", "null"), (bob, "theme", "\"dark\""), (soft, "k", "1"), (gone, "k", "1")] {
        store.create(&writing(owner), preference(name, value), stamp(), &limits()).await.expect("free");
    }
    let first = publish(store, post(ann, "one")).await;
    let second = publish(store, NewPost { kind: PostKind::Status, title: PostTitle::from_store("T".into()), ..post(soft, "two\nlines") }).await;
    let third = publish(store, post(gone, "three")).await;
    for (voter, on) in [(bob, first), (ann, first), (gone, first), (bob, third)] {
        toggle(store, voter, on).await.expect("reachable");
    }
    let _ = second;
    place(store, soft, hold(Some(now()))).await;
    for user in [ann, gone, ann] {
        place(store, user, hold(None)).await;
    }
    let revocations = [
        revocation("b", r#","revoked_at":"2026-01-01T00:00:00Z""#),
        revocation("a", r#","revoked_at":"2026-01-02T00:00:00Z","expires_at":"2999-01-01T00:00:00Z""#),
    ];
    assert_eq!(import(store, &revocations.each_ref().map(String::as_str)).await, [Ok(()), Ok(())]);
    delete_user(store, soft, DeletionMode::Soft).await.expect("alive");
    delete_user(store, gone, DeletionMode::Hard).await.expect("alive");
}

/// Where a record belongs in an export.
fn place_of(record: &Record) -> (u8, i64, i64, String) {
    match record {
        Record::User(user) => (0, user.id.get(), 0, String::new()),
        Record::Hold(hold) => (1, hold.user_id.get(), hold.id.get(), String::new()),
        Record::Preference(preference) => (2, preference.user_id.get(), 0, preference.key.clone()),
        Record::Post(post) => (3, post.id.get(), 0, String::new()),
        Record::Vote(vote) => (4, vote.user_id.get(), vote.post_id.get(), String::new()),
        Record::Revocation(revocation) => (5, 0, 0, revocation.id.clone()),
    }
}

pub async fn an_export_of_an_import_is_equal(store: impl FullStore) {
    fill(&store).await;
    let exported = export(&store).await;
    assert_eq!(exported.len(), 4 + 3 + 4 + 2 + 2 + 2);
    assert!(exported.is_sorted_by_key(place_of), "{exported:#?}");
    let copy = MemoryStore::default();
    let batch: Vec<_> = exported.iter().cloned().map(check).collect();
    let outcomes = copy.import(batch, terms(&limits())).await.expect("reachable");
    assert_eq!(outcomes, vec![Ok(()); exported.len()]);
    assert_eq!(export(&copy).await, exported);
    // And the other way round: what memory exports, this store takes.
    let filled = MemoryStore::default();
    fill(&filled).await;
    assert_eq!(export(&filled).await, exported, "every store hands out the same ids and exports in the same order");
}

pub async fn importing_twice_changes_nothing(store: impl FullStore) {
    let filled = MemoryStore::default();
    fill(&filled).await;
    let exported = export(&filled).await;
    for _ in 0..2 {
        let batch: Vec<_> = exported.iter().cloned().map(check).collect();
        assert_eq!(store.import(batch, terms(&limits())).await.expect("reachable"), vec![Ok(()); exported.len()]);
        assert_eq!(export(&store).await, exported);
    }
    assert_eq!(store.changes(&reading(UserId::new(1)), Revision::ZERO, 100).await.expect("readable").changes.len(), 2, "the second time nothing changed");
    let first = store.post(PostKind::Post, PostId::new(1)).await.expect("reachable").expect("imported");
    assert_eq!(first.vote_count, 2);
}

pub async fn refused_records_leave_no_trace(store: impl FullStore) {
    let outcomes = import(
        &store,
        &[
            r#"{"type":"user","id":1,"username":"ann","ext_id":"x"}"#,
            r#"{"type":"user","id":2,"username":"ANN"}"#,
            r#"{"type":"user","id":3,"username":"cid","ext_id":"x"}"#,
            r#"{"type":"preference","user_id":2,"key":"theme","value":1}"#,
            r#"{"type":"post","user_id":1,"id":10,"kind":"post","text":"a"}"#,
            r#"{"type":"post","user_id":9,"id":11,"kind":"post","text":"b"}"#,
            r#"{"type":"post","user_id":1,"id":10,"kind":"status","text":"c"}"#,
            r#"{"type":"vote","user_id":1,"post_id":99}"#,
            r#"{"type":"vote","user_id":9,"post_id":10}"#,
            r#"{"type":"hold","user_id":9,"id":1,"reason":"x","placed_by":900}"#,
            r#"{"type":"user","id":1,"status":"u"}"#,
            r#"{"type":"vote","user_id":1,"post_id":10}"#,
        ],
    )
    .await;
    let (one, two, nine) = (UserId::new(1), UserId::new(2), UserId::new(9));
    let expected = [
        Ok(()),
        Err(RecordError::NameTaken("username")),
        Err(RecordError::NameTaken("ext_id")),
        Err(RecordError::NoSuchUser(two)),
        Ok(()),
        Err(RecordError::NoSuchUser(nine)),
        Err(RecordError::PostTaken(PostId::new(10))),
        Err(RecordError::NoSuchPost(PostId::new(99))),
        Err(RecordError::NoSuchUser(nine)),
        Err(RecordError::NoSuchUser(nine)),
        Err(RecordError::Malformed(format!("user {one} is not erased: delete it instead"))),
        Ok(()),
    ];
    assert_eq!(outcomes, expected);
    assert_eq!(export(&store).await.len(), 3);
    try_add_user(&store, user("cid")).await.expect("a refused user reserves nothing");
}

pub async fn an_erased_user_stays_erased(store: impl FullStore) {
    let outcomes = import(
        &store,
        &[
            r#"{"type":"user","id":5,"status":"u","erased_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"user","id":5,"status":"u","erased_at":"2026-01-01T00:00:00Z"}"#,
            r#"{"type":"user","id":5,"username":"back"}"#,
            r#"{"type":"preference","user_id":5,"key":"theme","value":1}"#,
            r#"{"type":"post","user_id":5,"id":10,"kind":"post","text":"a"}"#,
            r#"{"type":"hold","user_id":5,"id":10,"reason":"too late","placed_by":900}"#,
        ],
    )
    .await;
    let five = UserId::new(5);
    let no_user = || Err(RecordError::NoSuchUser(five));
    assert_eq!(outcomes, [Ok(()), Ok(()), Err(RecordError::Erased(five)), no_user(), no_user(), no_user()]);
    assert_eq!(store.user(five).await.expect("reachable").map(|user| user.status()), Some(UserStatus::Erased));
    assert!(add_user(&store, "next").await > five, "the id stays spent");
}

pub async fn new_ids_are_beyond_imported_ones(store: impl FullStore) {
    let outcomes = import(
        &store,
        &[
            r#"{"type":"user","id":1000,"username":"ann"}"#,
            r#"{"type":"preference","user_id":1000,"id":2000,"key":"theme","value":1}"#,
            r#"{"type":"post","user_id":1000,"id":3000,"kind":"post","text":"a"}"#,
            r#"{"type":"hold","user_id":1000,"id":4000,"reason":"x","placed_by":900}"#,
        ],
    )
    .await;
    assert_eq!(outcomes, vec![Ok(()); 4]);
    let ann = UserId::new(1000);
    assert!(add_user(&store, "bob").await > ann);
    assert!(store.create(&writing(ann), preference("next", "1"), stamp(), &limits()).await.expect("free").id.get() > 2000);
    assert!(publish(&store, post(ann, "next")).await.get() > 3000);
    assert!(place(&store, ann, hold(None)).await.get() > 4000);
}

pub async fn what_is_there_keeps_its_id_its_epoch_and_its_dead_tokens(store: impl FullStore) {
    let ann = add_user(&store, "ann").await;
    let theme = store.create(&writing(ann), preference("theme", "1"), stamp(), &limits()).await.expect("free");
    delete_user(&store, ann, DeletionMode::Soft).await.expect("alive");
    let user = format!(r#"{{"type":"user","id":{ann},"username":"ann"}}"#);
    let line = format!(r#"{{"type":"preference","user_id":{ann},"id":77,"key":"theme","value":2}}"#);
    assert_eq!(import(&store, &[&user, &line]).await, [Ok(()), Ok(())]);
    let account = store.account(ann).await.expect("reachable").expect("there");
    assert_eq!((account.status(), account.deletion_epoch, account.tokens_valid_from), (UserStatus::Active, 1, now()));
    let all = store.all(&reading(ann)).await.expect("readable").preferences;
    assert_eq!((all[0].id, all[0].value.as_str()), (theme.id, "2"));
}

pub async fn an_import_is_logged_and_counted(store: impl FullStore) {
    import(
        &store,
        &[r#"{"type":"user","id":1,"username":"ann"}"#, r#"{"type":"preference","user_id":1,"key":"a","value":1,"created_at":"2020-01-01T00:00:00Z"}"#],
    )
    .await;
    let ann = UserId::new(1);
    let log = store.changes(&reading(ann), Revision::ZERO, 10).await.expect("readable").changes;
    assert_eq!((log.len(), log[0].actor, log[0].at), (1, ann, now()));
    let one = Limits { keys_per_user: 1, ..Limits::default() };
    let second = store.create(&writing(ann), preference("b", "1"), stamp(), &one).await;
    assert_eq!(second, Err(PreferenceStoreError::Quota(QuotaError::TooManyKeys { limit: 1 })));
    let batch = vec![check(Record::parse(r#"{"type":"preference","user_id":1,"key":"b","value":1}"#).expect("well-formed"))];
    assert_eq!(store.import(batch, terms(&one)).await.expect("reachable"), [Err(RecordError::Quota(QuotaError::TooManyKeys { limit: 1 }))]);
    assert_eq!(try_add_user(&store, user("ann")).await, Err(InsertUserError::Taken(lethe_domain::profile::UniqueName::Username)));
}

pub async fn an_import_tells_what_it_does_to_users(store: impl FullStore) {
    use EventKind::{Created, Restored, SoftDeleted};
    let subscriptions = [Subscription { endpoint: EndpointId::of_url("https://example.org/"), events: vec![Created, SoftDeleted, Restored] }];
    let lines = [
        r#"{"type":"user","id":1,"username":"ann","ext_id":"x-1"}"#,
        r#"{"type":"user","id":2,"username":"bob","status":"d"}"#,
        r#"{"type":"user","id":3,"status":"u"}"#,
        r#"{"type":"user","id":4,"username":"ann"}"#,
        r#"{"type":"user","id":1,"username":"ann","ext_id":"x-1","status":"d"}"#,
        r#"{"type":"user","id":1,"username":"ann","ext_id":"x-1"}"#,
        r#"{"type":"user","id":1,"username":"ann","ext_id":"x-1"}"#,
    ];
    let batch = lines.iter().map(|line| check(Record::parse(line).expect("well-formed"))).collect();
    let outcomes = store.import(batch, ImportTerms { limits: &limits(), subscriptions: &subscriptions, now: now() }).await.expect("reachable");
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 1, "the name is taken: {outcomes:?}");
    let told = store.deliveries(&[DeliveryState::Pending], None, 100).await.expect("reachable");
    let mut told: Vec<_> =
        told.iter().map(|listed| (listed.delivery.event.id.user.get(), listed.delivery.event.id.epoch, listed.delivery.event.id.kind)).collect();
    told.sort_unstable();
    assert_eq!(told, [(1, 0, Created), (1, 1, SoftDeleted), (1, 1, Restored), (2, 0, Created), (2, 0, SoftDeleted)]);
    let log = store.audit_entries(&AuditFilter { subject: Some(UserId::new(1)), ..AuditFilter::default() }, 100).await.expect("reachable");
    assert_eq!(log.iter().map(|entry| entry.act.action.name()).collect::<Vec<_>>(), ["user.restored", "user.soft_deleted", "user.created"]);
    assert!(log.iter().all(|entry| entry.act.actor.is_none() && entry.act.at == now()));
}

pub async fn an_imported_hold_holds(store: impl FullStore) {
    let user = r#"{"type":"user","id":1,"username":"ann","status":"d","deletion_epoch":1,"purge_at":"2020-01-01T00:00:00Z"}"#;
    let line = |reason: &str| format!(r#"{{"type":"hold","user_id":1,"id":7,"reason":"{reason}","placed_at":"2019-01-01T00:00:00Z","placed_by":900}}"#);
    assert_eq!(import(&store, &[user, &line("court order"), &line("another court's")]).await, vec![Ok(()); 3]);
    let ann = UserId::new(1);
    assert_eq!(store.due_purges(now(), 10).await, Ok(vec![]));
    let held = store.holds(ann).await.expect("reachable");
    let held: Vec<_> = held.iter().map(|hold| (hold.id.get(), hold.terms.reason.as_str(), hold.placed_at.to_string(), hold.placed_by.get())).collect();
    assert_eq!(held, [(7, "another court's", "2019-01-01T00:00:00.000000Z".to_owned(), 900)], "the last line counts");
    assert_eq!(import(&store, &[&line("court order"), &line("audit")]).await, vec![Ok(()); 2]);
    assert_eq!(store.holds(ann).await.map(|holds| holds.into_iter().map(|hold| hold.terms.reason).collect()), Ok(vec![HoldReason::from_store("audit".into())]));
    let log = store.audit_entries(&AuditFilter::default(), 100).await.expect("reachable");
    assert_eq!(log.iter().map(|entry| entry.act.action.name()).collect::<Vec<_>>(), ["user.soft_deleted", "user.created"], "nobody placed a hold now");
    assert!(transact(&store, move |tx| Box::pin(async move { tx.delete_hold(ann, HoldId::new(7)).await })).await);
    assert_eq!(store.due_purges(now(), 10).await, Ok(vec![DuePurge { user: ann, epoch: 1 }]));
}

pub async fn holds_of_one_id_stand_beside_each_other(store: impl FullStore) {
    let (ann, bob) = (add_user(&store, "ann").await, add_user(&store, "bob").await);
    let id = place(&store, ann, hold(None)).await;
    let line = format!(r#"{{"type":"hold","user_id":{bob},"id":{id},"reason":"x","placed_by":900}}"#);
    for _ in 0..2 {
        assert_eq!(import(&store, &[&line]).await, [Ok(())]);
        let held = [store.holds(ann).await, store.holds(bob).await].map(|holds| holds.expect("reachable"));
        assert_eq!(held.each_ref().map(|holds| holds.iter().map(|hold| hold.id).collect::<Vec<_>>()), [[id], [id]]);
    }
    assert!(transact(&store, move |tx| Box::pin(async move { tx.delete_hold(bob, id).await })).await);
    assert_eq!(store.holds(ann).await.map(|holds| holds.len()), Ok(1), "another one");
}

pub async fn holds_of_the_erased_stay_behind(store: impl FullStore) {
    let gone = add_user(&store, "gone").await;
    place(&store, gone, hold(Some(now()))).await;
    transact(&store, move |tx| {
        Box::pin(async move {
            let account = tx.account_for_update(gone).await?.unwrap_or(Account::new(gone));
            let erased = account.hard_delete(now(), &[]).map_err(|error| StoreError::Failed(error.to_string()))?;
            tx.save_account(&erased).await
        })
    })
    .await;
    assert_eq!(store.holds(gone).await.map(|holds| holds.len()), Ok(1), "it is still there");
    let exported = export(&store).await;
    assert!(matches!(exported.as_slice(), [Record::User(_)]), "{exported:?}");
}

pub async fn an_imported_revocation_is_learnt_of(store: impl FullStore) {
    let ids = ["a", "b", "c"].map(|digit| digit.repeat(128));
    let own = RevokedToken { id: ids[0].clone(), expires_at: Some(now()) };
    transact(&store, move |tx| Box::pin(async move { tx.insert_revocation(&own).await })).await;
    let before = store.revocations(None).await.expect("reachable");
    assert_eq!(before.ids, [ids[0].clone()]);
    let revoked = export(&store).await;
    let [Record::Revocation(first)] = revoked.as_slice() else { panic!("one revocation: {revoked:?}") };
    let late = r#","revoked_at":"2020-01-01T00:00:00Z","expires_at":"2999-01-01T00:00:00Z""#;
    let soon = r#","revoked_at":"2021-01-01T00:00:00Z","expires_at":"2020-06-01T00:00:00Z""#;
    // Each id by more than one line, in one batch and in two.
    let lines = [revocation("a", late), revocation("a", soon), revocation("b", soon), revocation("b", late), revocation("C", ""), revocation("c", soon)];
    for _ in 0..2 {
        assert_eq!(import(&store, &lines.each_ref().map(String::as_str)).await, vec![Ok(()); 6]);
        let kept: Vec<_> = export(&store).await.iter().map(|record| serde_json::to_value(record).expect("plain")).collect();
        let kept: Vec<_> = kept.iter().map(|kept| (kept["id"].as_str(), kept["revoked_at"].as_str(), kept["expires_at"].as_str())).collect();
        let (own, end) = (first.revoked_at.map(|at| at.to_string()), Some("2999-01-01T00:00:00.000000Z"));
        let now = now().to_string();
        let expected = [(own.as_deref(), end), (Some("2021-01-01T00:00:00.000000Z"), end), (Some(now.as_str()), None)];
        let expected: Vec<_> = ids.iter().zip(expected).map(|(id, (revoked_at, end))| (Some(id.as_str()), revoked_at, end)).collect();
        assert_eq!(kept, expected, "the first one stays, for as long as any says");
    }
    let mut learnt = store.revocations(Some(before.as_of)).await.expect("reachable").ids;
    learnt.sort();
    assert!(learnt.ends_with(&ids[1..]), "whoever looked before the import learns of what was revoked years ago: {learnt:?}");
    store
        .prune(Forgettable { untold_since: Timestamp::EPOCH, attempted_before: Timestamp::EPOCH, now: now().after(Duration::from_hours(1)) })
        .await
        .expect("reachable");
    assert_eq!(store.revocations(None).await.map(|seen| seen.ids.len()), Ok(3));
    let log = store.audit_entries(&AuditFilter::default(), 100).await.expect("reachable");
    assert_eq!(log.len(), 0, "nobody revoked anything now");
}
