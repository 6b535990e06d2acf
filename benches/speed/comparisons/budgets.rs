use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::file_of_bench;

/// The file with the budgets: each mix with its ratio.
const FILE: &str = "budgets.toml";
const HEADER: &str = "# The budget of each mix of `scripts/bench count`: the instructions of a request, as a ratio to those of the bare\n\
                      # handler in the same run. The command fails if a mix is more than 5 % above its budget.\n\
                      # `scripts/bench count --set-budgets` writes the ratios that it counts to this file.\n";
/// How far a ratio may be from its budget.
const TOLERANCE: f64 = 0.05;

/// The instructions of a request of one mix.
#[derive(Clone, Copy)]
pub struct CountedMix {
    pub name: &'static str,
    pub instructions: f64,
}

impl CountedMix {
    fn ratio_to(self, bare: f64) -> f64 {
        self.instructions / bare
    }
}

/// Compares the mixes with their budgets and prints a line for each that is not within 5 %; `bare` is the count of the bare
/// handler. Returns whether no mix is above its budget, and each has one.
pub fn check_budgets(counted: &[CountedMix], bare: f64) -> bool {
    let file = file_of_bench(FILE);
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let budgets: BTreeMap<String, f64> = toml::from_str(&text).expect("budgets.toml has a number for each mix");
    let mut is_within = true;
    println!();
    for mix in counted {
        let (name, ratio) = (mix.name, mix.ratio_to(bare));
        match budgets.get(name) {
            None => {
                is_within = false;
                println!("{name} has no budget: write `{name} = {ratio:.2}` to {}", file.display());
            }
            Some(budget) if ratio > budget * (1.0 + TOLERANCE) => {
                is_within = false;
                println!(
                    "{name} is above its budget: {ratio:.2} times the bare handler, where {budget:.2} is budgeted and {:.2} \
                     passes. If the new cost is wanted, change `{name}` in {}.",
                    budget * (1.0 + TOLERANCE),
                    file.display()
                );
            }
            Some(budget) if ratio < budget * (1.0 - TOLERANCE) => println!(
                "{name} is below its budget: {ratio:.2} times the bare handler, where {budget:.2} is budgeted. Lower `{name}` \
                 in {}, so that the gain is kept.",
                file.display()
            ),
            Some(_) => {}
        }
    }
    for name in budgets.keys().filter(|name| counted.iter().all(|mix| mix.name != **name)) {
        println!("{name} has a budget and is not counted: remove it from {}", file.display());
    }
    if is_within {
        println!("No mix is above its budget.");
    }
    is_within
}

/// Writes the counted ratios as the new budgets.
pub fn set_budgets(counted: &[CountedMix], bare: f64) {
    let mut text = HEADER.to_owned();
    for mix in counted {
        let _ = writeln!(text, "{} = {:.2}", mix.name, mix.ratio_to(bare));
    }
    let file = file_of_bench(FILE);
    std::fs::write(&file, text).unwrap();
    println!("\n{} has the new budgets.", file.display());
}
