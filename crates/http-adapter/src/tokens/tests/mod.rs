#![expect(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod identity;
mod narrowing;
mod policy;
mod revocation;
mod tickets;

use super::envelope::Envelope;
use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use biscuit_auth::builder::BlockBuilder;
use biscuit_auth::format::schema;
use biscuit_auth::{Algorithm, Biscuit, KeyPair, UnverifiedBiscuit};
use lethe_domain::access::{Act, Operation};
use lethe_domain::id::UserId;
use lethe_domain::key::PreferenceKey;
use lethe_domain::time::Timestamp;
use lethe_ports::inbound::Bearer;
use lethe_ports::outbound::Clock;
use lethe_ports::{Caller, Errand, GrantError, Ticket};
use prost::Message;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A service that trusts one root key, at the beginning of 2026.
struct House {
    key: SigningKey,
    clock: Arc<TestClock>,
    verifier: Verifier,
}

impl House {
    fn new() -> Self {
        let key = SigningKey::generate(1);
        let clock = Arc::new(TestClock(AtomicI64::new(1_767_225_600_000_000)));
        let verifier = Verifier::new(vec![key.public()], clock.clone());
        Self { key, clock, verifier }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&self, span: Duration) {
        self.clock.0.store(self.now().after(span).micros(), Ordering::SeqCst);
    }

    /// A token for an hour.
    fn token(&self, user: i64, admin: bool) -> String {
        issue(&self.key, &NewToken { user: UserId::new(user), admin, ttl: HOUR }, self.now()).unwrap()
    }

    /// A ticket for an hour.
    fn ticket_for(&self, errand: Errand) -> String {
        issue_ticket(&self.key, errand, self.now().after(HOUR), self.now()).unwrap()
    }

    /// A token of the right key that says whatever it likes.
    fn odd_token(&self, authority: &str) -> String {
        let builder = Biscuit::builder().root_key_id(1).code(authority).unwrap();
        builder.build(self.key.pair()).unwrap().to_base64().unwrap()
    }

    fn caller(&self, token: &str) -> Caller {
        self.verifier.verify(token).unwrap()
    }

    fn ticket(&self, token: &str) -> Ticket {
        match self.verifier.verify_bearer(token).unwrap() {
            Bearer::Ticket(ticket) => ticket,
            Bearer::Caller(caller) => panic!("{caller:?}"),
        }
    }

    /// Whether the ticket is still good for its errand.
    fn grants(&self, token: &str) -> Result<(), GrantError> {
        self.ticket(token).grant.allows(self.now())
    }

    fn refusal(&self, token: &str) -> TokenError {
        self.verifier.verify(token).unwrap_err()
    }

    fn allows(&self, token: &str, act: &Act<'_>) -> Result<(), GrantError> {
        self.caller(token).grant.allows(act, self.now())
    }

    /// Signs an authority block that no builder would make.
    fn sign_raw(&self, authority: &schema::Block) -> String {
        let next = KeyPair::new_with_algorithm(Algorithm::Ed25519);
        let block = authority.encode_to_vec();
        let payload = [block.as_slice(), &0_u32.to_le_bytes(), &next.public().to_bytes()].concat();
        let signature = self.key.pair().sign(&payload).unwrap().to_bytes().to_vec();
        let authority = schema::SignedBlock { block, next_key: next.public().to_proto(), signature, external_signature: None, version: None };
        let proof = schema::Proof { content: Some(schema::proof::Content::NextSecret(next.private().to_bytes().to_vec())) };
        encode(&schema::Biscuit { root_key_id: Some(1), authority, blocks: vec![], proof }.encode_to_vec())
    }

    /// Appends a block that no builder would make.
    fn append_raw(&self, token: &str, block: &schema::Block) -> String {
        let token = Biscuit::from_base64(token, self.key.pair().public()).unwrap();
        let next = KeyPair::new_with_algorithm(Algorithm::Ed25519);
        encode(&token.container().append_serialized(&next, block.encode_to_vec(), None).unwrap().to_vec().unwrap())
    }
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE.encode(bytes)
}

/// Appends a block offline, as any bearer can.
fn append(token: &str, datalog: &str) -> String {
    let block = BlockBuilder::new().code(datalog).unwrap();
    UnverifiedBiscuit::from_base64(token).unwrap().append(block).unwrap().to_base64().unwrap()
}

/// The block that these lines become behind that token.
fn block_behind(token: &str, datalog: &str) -> schema::Block {
    Envelope::open(&append(token, datalog)).unwrap().attenuations.pop().unwrap()
}

fn key(text: &str) -> PreferenceKey {
    PreferenceKey::from_store(text.to_owned())
}

fn read(owner: i64) -> Act<'static> {
    Act::on(Operation::Read, UserId::new(owner))
}
