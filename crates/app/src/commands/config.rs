//! `lethe config`: what is in force, and why.

use crate::configuration::Configuration;
use crate::failure::Failure;
use crate::output::print;

pub(super) fn run(configuration: &Configuration) -> Result<(), Failure> {
    let lines: Vec<(String, &str)> = configuration.listing().map(|line| (format!("{} = {}", line.key, line.value), line.origin)).collect();
    let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0);
    lines.iter().try_for_each(|(line, origin)| print(format_args!("{line:width$}  # {origin}")))
}
