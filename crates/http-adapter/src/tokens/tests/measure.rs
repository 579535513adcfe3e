use super::*;
use std::time::Instant;

fn median(mut f: impl FnMut()) -> (Duration, Duration) {
    let mut all: Vec<_> = (0..200)
        .map(|_| {
            let s = Instant::now();
            f();
            s.elapsed()
        })
        .collect();
    all.sort();
    (all[0], all[100])
}

fn fit(house: &House, blocks: usize, make: impl Fn(usize) -> String) -> (usize, String) {
    let mut best = None;
    for n in 1..3000 {
        let mut token = house.token(42, false);
        for _ in 0..blocks {
            let Ok(block) = BlockBuilder::new().code(make(n)) else { return best.unwrap_or((0, house.token(42, false))) };
            token = UnverifiedBiscuit::from_base64(&token).unwrap().append(block).unwrap().to_base64().unwrap();
        }
        match house.verifier.verify(&token) {
            Ok(_) => best = Some((n, token)),
            Err(e) => {
                println!("   stop at {n}: {e}");
                break;
            }
        }
    }
    best.unwrap_or((0, house.token(42, false)))
}

#[test]
fn measure() {
    let house = House::new();
    let long_key = key(&"\u{1F600}".repeat(255));
    let rep = |part: &str, n: usize, sep: &str| vec![part; n].join(sep);
    let big = |n: usize| "s".repeat(n);
    let mut candidates: Vec<(String, String)> = vec![];
    let mut add = |name: &str, (n, token): (usize, String)| candidates.push((format!("{name} n={n} len={}", token.len()), token));
    add("plain", (0, house.token(42, false)));
    add("read-only", (0, append(&house.token(42, false), "check if operation(\"read\")")));
    add("3 attenuations", (0, (0..3).fold(house.token(42, false), |t, _| append(&t, "check if preference_key($k), $k.starts_with(\"a\")"))));
    for q in [1, 2, 3, 4, 5, 6] {
        let sum = rep("\"S\"", 30, " - ");
        add(&format!("concat {q} queries"), fit(&house, 1, |n| rep(&format!("check if {} == \"x\"", sum.replace('S', &big(n))), q, "; ")));
        add(
            &format!("concat key {q} queries"),
            fit(&house, 1, |n| if n > 1 { "x x".to_owned() } else { rep(&format!("check if preference_key($k), {} == \"x\"", rep("$k", 29, " - ")), q, "; ") }),
        );
    }
    add(
        "concat key in 3 blocks x 8 checks",
        fit(&house, 3, |n| if n > 8 { "x x".to_owned() } else { rep(&format!("check if preference_key($k), {} == \"x\"", rep("$k", 4, " - ")), n, "; ") }),
    );
    add(
        "joins",
        fit(&house, 3, |n| if n > 16 { "x x".to_owned() } else { format!("check if {}", rep("user($a), issued_at($b), time($c), false", n, " or ")) }),
    );
    add("empty checks", fit(&house, 3, |n| if n > 16 { "x x".to_owned() } else { format!("check if {}", rep("false", n, " or ")) }));
    add(
        "distinct strings",
        fit(&house, 1, |n| {
            if n > 64 {
                "x x".to_owned()
            } else {
                (0..n / 8 + 1)
                    .map(|c| format!("check if {{{}}}.contains(1)", (0..50.min(n)).map(|i| format!("\"{c}{i}\"")).collect::<Vec<_>>().join(",")))
                    .take(1)
                    .collect::<Vec<_>>()
                    .join(";")
            }
        }),
    );
    add(
        "strings often",
        fit(&house, 1, |n| {
            if n > 8 {
                "x x".to_owned()
            } else {
                rep(&format!("check if [{}].contains(\"s59\")", (0..55).map(|i| format!("\"s{i}\"")).collect::<Vec<_>>().join(",")), n, "; ")
            }
        }),
    );
    add(
        "sets",
        fit(&house, 1, |n| {
            if n > 8 {
                "x x".to_owned()
            } else {
                rep(
                    &format!(
                        "check if {{{0}}}.union({{{1}}}).contains(0)",
                        (0..28).map(|i| i.to_string()).collect::<Vec<_>>().join(","),
                        (30..58).map(|i| i.to_string()).collect::<Vec<_>>().join(",")
                    ),
                    n,
                    "; ",
                )
            }
        }),
    );
    add(
        "nest",
        fit(&house, 1, |n| {
            if n > 8 { "x x".to_owned() } else { rep(&format!("check if true && (true && (true && (true && ({} == 1))))", rep("1", 16, " - ")), n, "; ") }
        }),
    );
    add("contains", fit(&house, 1, |n| format!("check if ({0}).contains({0})", rep(&format!("\"{}\"", big(n)), 13, " - "))));
    add(
        "contains near miss",
        fit(&house, 1, |n| format!("check if ({0} + \"b\").contains(\"{1}a\" + \"{1}\")", rep(&format!("\"{}\"", big(n)), 13, " - "), big(n))),
    );
    add(
        "many parens",
        fit(&house, 1, |n| {
            if n > 8 { "x x".to_owned() } else { rep(&format!("check if preference_key($k), {}$k == \"x\"{}", rep("(", 50, ""), rep(")", 50, "")), n, "; ") }
        }),
    );
    add("64 strings x 3 blocks, often", {
        let mut token = house.token(42, false);
        for b in 0..3 {
            let list = (0..55).map(|i| format!("\"{b}{i}\"")).collect::<Vec<_>>().join(",");
            token = append(&token, &format!("check if [{list}].contains(\"z\")"));
            println!("    {b}: {}", token.len());
        }
        (0, token)
    });
    for q in 1..5 {
        add(&format!("print union {q}"), fit(&house, 1, |n| rep(&format!("check if {{\"S\"}}{} == {{,}}", rep(".union({\"S\"})", 18, "")).replace('S', &big(n)), q, "; ")));
        add(&format!("print try_or {q}"), fit(&house, 1, |n| rep(&format!("check if \"S\"{} == \"x\"", rep(".try_or(\"S\")", 15, "")).replace('S', &big(n)), q, "; ")));
        add(&format!("print parens {q}"), fit(&house, 1, |n| rep(&format!("check if {}\"S\"{} == \"x\"", rep("(", 56, ""), rep(")", 56, "")).replace('S', &big(n)), q, "; ")));
        add(&format!("print or {q}"), fit(&house, 1, |n| rep(&format!("check if {}", rep("\"S\" == \"x\"", 12, " || ")).replace('S', &big(n)), q, "; ")));
    }
    add(
        "variables",
        fit(&house, 3, |n| {
            if n > 16 {
                "x x".to_owned()
            } else {
                rep(&format!("check if {}", rep("owner($a), user($b), issued_at($c), $a + $b + $c == 0", 2, " or ")), n / 2 + 1, "; ")
            }
        }),
    );
    add(
        "or in three blocks",
        fit(&house, 3, |n| {
            if n > 10 { "x x".to_owned() } else { rep(&format!("check if preference_key($k), {}", rep("$k.starts_with(\"a\")", 11, " || ")), n, "; ") }
        }),
    );
    add(
        "equal sized strings",
        fit(&house, 1, |n| {
            if n > 60 {
                "x x".to_owned()
            } else {
                format!("check if {}", (0..n).map(|i| format!("\"{}{i:02}\"", big(30))).collect::<Vec<_>>().join(" == ")).replace(" == ", ", ")
            }
        }),
    );
    for (name, token) in &candidates {
        let verify = median(|| {
            let v = Verifier::new(vec![house.key.public()], house.clock.clone());
            v.verify(token).unwrap();
        });
        let caller = house.caller(token);
        let mut outcome = Ok(());
        let allows = median(|| outcome = caller.grant.allows(&read(42).with_key(&long_key), house.now()));
        let cached = median(|| {
            house.verifier.verify(token).unwrap();
        });
        println!("{name:45} verify {:?} allows {:?} cached {:?} {outcome:?}", verify.1, allows.1, cached.1);
    }
    // what a stranger can make us do
    let mut garbage: Vec<(&str, Vec<u8>)> = vec![];
    garbage.push(("zero", vec![0; 3072]));
    let outer = |blocks: Vec<schema::SignedBlock>, authority: schema::Block| {
        let next = KeyPair::new_with_algorithm(Algorithm::Ed25519);
        let signed = |b: &schema::Block| schema::SignedBlock {
            block: b.encode_to_vec(),
            next_key: next.public().to_proto(),
            signature: vec![0; 64],
            external_signature: None,
            version: None,
        };
        let proof = schema::Proof { content: Some(schema::proof::Content::NextSecret(next.private().to_bytes().to_vec())) };
        schema::Biscuit { root_key_id: None, authority: signed(&authority), blocks, proof }.encode_to_vec()
    };
    let next_keys = (0..30)
        .map(|_| schema::SignedBlock {
            block: vec![],
            next_key: KeyPair::new_with_algorithm(Algorithm::Secp256r1).public().to_proto(),
            signature: vec![],
            external_signature: None,
            version: None,
        })
        .collect();
    garbage.push(("next keys", outer(next_keys, schema::Block::default())));
    garbage.push((
        "public keys",
        outer(
            vec![],
            schema::Block {
                public_keys: (0..70).map(|_| KeyPair::new_with_algorithm(Algorithm::Secp256r1).public().to_proto()).collect(),
                ..Default::default()
            },
        ),
    ));
    garbage.push(("empty checks", outer(vec![], schema::Block { checks: vec![schema::Check::default(); 1400], ..Default::default() })));
    garbage.push(("empty facts", outer(vec![], schema::Block { facts: vec![schema::Fact { predicate: Default::default() }; 700], ..Default::default() })));
    garbage.push(("symbols", outer(vec![], schema::Block { symbols: vec![String::new(); 1400], ..Default::default() })));
    garbage.push(("bad signature", outer(vec![], schema::Block { version: Some(3), ..Default::default() })));
    for (name, bytes) in garbage {
        let text = encode(&bytes);
        let mut outcome = None;
        let time = median(|| {
            let v = Verifier::new(vec![house.key.public()], house.clock.clone());
            outcome = v.verify(&text).err();
        });
        println!("stranger: {name} len {} {:?} {outcome:?}", text.len(), time.1);
        let lib = median(|| {
            let _ = Biscuit::from_base64(&text, house.key.public().key());
        });
        println!("    the library alone: {:?}", lib.1);
    }
    let new = median(|| {
        let _ = Verifier::new(vec![house.key.public()], house.clock.clone());
    });
    println!("new verifier {:?}", new.1);
}

struct Rng(u64);
impl Rng {
    fn n(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

fn random_term(r: &mut Rng, strings: u64, depth: u32) -> schema::Term {
    use schema::term::Content;
    let content = match r.n(if depth < 2 { 12 } else { 8 }) {
        0..=4 => Content::String(1024 + 1 + r.n(strings)),
        5 => Content::Integer(r.n(3) as i64),
        6 => Content::Bool(r.n(2) == 1),
        7 => Content::Variable(1024 + 1 + r.n(2) as u32),
        8 => Content::Set(schema::TermSet {
            set: {
                let n = r.n(30);
                (0..n).map(|_| schema::Term { content: Some(Content::String(1025 + r.n(strings))) }).collect()
            },
        }),
        9..=10 => Content::Array(schema::Array {
            array: {
                let n = r.n(20);
                (0..n).map(|_| random_term(r, strings, depth + 1)).collect()
            },
        }),
        _ => Content::Map(schema::Map {
            entries: {
                let n = r.n(10);
                (0..n)
                    .map(|_| schema::MapEntry {
                        key: schema::MapKey { content: Some(schema::map_key::Content::String(1025 + r.n(strings))) },
                        value: random_term(r, strings, depth + 1),
                    })
                    .collect()
            },
        }),
    };
    schema::Term { content: Some(content) }
}

fn random_ops(r: &mut Rng, strings: u64, depth: u32, budget: &mut i64) -> Vec<schema::Op> {
    use schema::op::Content;
    let mut ops = vec![];
    let mut value = |r: &mut Rng, budget: &mut i64| { *budget -= 1; let deep = if r.n(8) == 0 && *budget > 30 { *budget -= 25; 0 } else { 9 }; schema::Op { content: Some(Content::Value(random_term(r, strings, deep))) } };
    ops.push(value(r, budget));
    while *budget > 3 && r.n(20) != 0 {
        if depth < 4 && r.n(4) == 0 {
            *budget -= 2;
            ops.push(schema::Op { content: Some(Content::Closure(schema::OpClosure { params: vec![], ops: random_ops(r, strings, depth + 1, budget) })) });
            ops.push(schema::Op { content: Some(Content::Binary(schema::OpBinary { kind: [23, 24, 29][r.n(3) as usize], ffi_name: None })) });
        } else if r.n(6) == 0 {
            *budget -= 1;
            ops.push(schema::Op { content: Some(Content::Unary(schema::OpUnary { kind: [1, 1, 1, 3][r.n(4) as usize], ffi_name: None })) });
        } else {
            *budget -= 1;
            ops.push(value(r, budget));
            ops.push(schema::Op { content: Some(Content::Binary(schema::OpBinary { kind: [15, 29, 4, 5, 21, 22, 29, 21][r.n(8) as usize], ffi_name: None })) });
        }
    }
    ops
}

#[test]
fn search() {
    let house = House::new();
    let plain = house.token(42, false);
    let long_key = key(&"\u{1F600}".repeat(255));
    let mut r = Rng(88172645463325252);
    let mut top = (Duration::ZERO, String::new(), String::new());
    let (mut accepted, mut tried) = (0, 0);
    let end = Instant::now() + Duration::from_secs(40);
    while Instant::now() < end {
        tried += 1;
        let mut token = plain.clone();
        let mut base = 0;
        for b in 0..1 + r.n(3) {
            let strings = 1 + r.n(20);
            let length = [3, 20, 100, 600][r.n(4) as usize];
            if token.len() > 3500 { break }
            let mut block = block_behind(&token, "check if preference_key($k)");
            let mut symbols: Vec<_> = (0..strings).map(|i| format!("{b}{i}{}", "s".repeat(length))).collect();
            if b == 0 {
                symbols.splice(0..0, block.symbols.clone());
            }
            base += symbols.len() as u64;
            block.symbols = symbols;
            let query = block.checks[0].queries[0].clone();
            let (checks, queries) = (1 + r.n(8), 1 + r.n(2)); let budget = [10, 30, 50, 60][r.n(4) as usize] as i64;
            block.checks = (0..checks)
                .map(|_| schema::Check {
                    kind: None,
                    queries: (0..queries)
                        .map(|_| {
                            let mut q = query.clone();
                            q.expressions = vec![schema::Expression { ops: random_ops(&mut r, base, 0, &mut budget.clone()) }];
                            q
                        })
                        .collect(),
                })
                .collect();
            if let Ok(n) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| house.append_raw(&token, &block))) {
                if n.len() <= 4096 {
                    token = n;
                }
            }
        }
        let measure = || {
            let v = Verifier::new(vec![house.key.public()], house.clock.clone());
            let s = Instant::now();
            let Ok(c) = v.verify(&token) else { return None };
            let o = c.grant.allows(&read(42).with_key(&long_key), house.now());
            Some((s.elapsed(), format!("{o:?}")))
        };
        let Some(_) = measure() else { continue };
        accepted += 1;
        let best = (0..5).map(|_| measure().unwrap()).min().unwrap();
        if best.0 > top.0 {
            println!("{:?} len {} {}", best.0, token.len(), best.1);
            top = (best.0, token, best.1);
        }
    }
    println!("{tried} tried, {accepted} accepted, worst {:?} {}", top.0, top.2);
}
