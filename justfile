# The usual ways in. Each is one command that can be typed without just.

# Serve from ./lethe-data
run *arguments:
    cargo run -- {{arguments}}

# All tests, on both stores, with the real clients
test:
    tests/run

# Form and lints
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# What must pass before a change goes in
ci:
    .ci/run
