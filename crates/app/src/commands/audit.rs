//! `lethe audit`: whether the log of what was done to accounts is whole.

use super::with_store;
use crate::cli::AuditCommand;
use crate::configuration::Settings;
use crate::failure::Failure;
use crate::output::print;
use lethe_ports::inbound::AuditVerdict;

pub(super) fn run(settings: &Settings, command: &AuditCommand) -> Result<(), Failure> {
    match command {
        AuditCommand::Verify => verify(settings),
    }
}

fn verify(settings: &Settings) -> Result<(), Failure> {
    with_store(settings, async |store, _| match store.lethe(settings).operator.verify_audit().await? {
        AuditVerdict::Intact(head) => print(format_args!("{} entries, the last hash is {}", head.seq, head.hash)),
        AuditVerdict::Broken(seq) => Err(Failure::Failed(format!("the audit log is broken at entry {seq}: it does not follow the one before it"))),
        AuditVerdict::CutOff { found, remembered } => {
            Err(Failure::Failed(format!("the audit log is cut off: its last entry is {}, and there were {} of them", found.seq, remembered.seq)))
        }
    })
}
