use std::fmt::Write as _;

use crate::comparisons::Figures;
use crate::load::LoadResult;
use crate::processes::CpuTime;

/// The measurement of one round of one mix.
pub struct Measurement {
    per_second: f64,
    percentiles: [f64; 3],
    cpu_micros: f64,
    store_micros: f64,
}

/// The row of a mix: medians of its rounds.
pub struct Row {
    pub name: &'static str,
    measurements: Vec<Measurement>,
    /// The calls at the token endpoint, and the exchanges that caused them.
    pub calls: Option<(u64, u64)>,
    /// Resident memory after the last round, in bytes.
    pub resident: u64,
}

/// A target value and the measured value.
pub struct Aim {
    pub what: &'static str,
    pub value: f64,
    pub most: f64,
}

impl Measurement {
    pub fn of(seen: &LoadResult, cpu: CpuTime) -> Self {
        let requests = seen.latencies.len();
        let percentile = |share: f64| {
            let at = ((requests - 1) as f64 * share).round() as usize;
            seen.latencies[at] as f64 / 1e6
        };
        Self {
            per_second: requests as f64 / seen.elapsed.as_secs_f64(),
            percentiles: [percentile(0.5), percentile(0.99), percentile(0.999)],
            cpu_micros: cpu.all.as_secs_f64() * 1e6 / requests as f64,
            store_micros: cpu.store.as_secs_f64() * 1e6 / requests as f64,
        }
    }
}

impl Row {
    pub fn new(name: &'static str) -> Self {
        Self { name, measurements: Vec::new(), calls: None, resident: 0 }
    }

    pub fn add(&mut self, measurement: Measurement) {
        self.measurements.push(measurement);
    }

    pub fn is_empty(&self) -> bool {
        self.measurements.is_empty()
    }

    pub fn per_second(&self) -> f64 {
        self.median(|measurement| measurement.per_second)
    }

    /// The latencies in milliseconds: p50, p99 and p99.9.
    pub fn percentiles(&self) -> [f64; 3] {
        [0, 1, 2].map(|at| self.median(|measurement| measurement.percentiles[at]))
    }

    /// The medians as a line of the history under the name `mix`, with the ratios to `other`.
    pub fn figures(&self, mix: &str, other: &Self) -> Figures {
        let percentiles = self.percentiles();
        Figures {
            mix: mix.to_owned(),
            per_second: self.per_second(),
            p50_ms: percentiles[0],
            p99_ms: percentiles[1],
            p999_ms: percentiles[2],
            cpu_micros: self.cpu(),
            compared_with: other.name.to_owned(),
            rate_ratio: self.per_second() / other.per_second(),
            cpu_ratio: self.cpu() / other.cpu(),
        }
    }

    /// CPU microseconds per request of all threads.
    pub fn cpu(&self) -> f64 {
        self.median(|measurement| measurement.cpu_micros)
    }

    /// CPU microseconds per request without the threads of the store.
    pub fn cpu_without_store(&self) -> f64 {
        self.median(|measurement| measurement.cpu_micros - measurement.store_micros)
    }

    fn median(&self, of: impl Fn(&Measurement) -> f64) -> f64 {
        let mut values: Vec<f64> = self.measurements.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    fn calls_per_exchange(&self) -> String {
        self.calls.map_or("-".to_owned(), |(calls, exchanges)| format!("{:.4}", calls as f64 / exchanges as f64))
    }
}

/// All rows as a Markdown table, with their ratios to the two compared servers.
pub fn rows_as_markdown(rows: &[&Row], bare: &Row, verifying: &Row) -> String {
    let mut table = String::from(
        "| server and mix | req/s | p50 ms | p99 ms | p99.9 ms | CPU µs/req | of it store | calls/exchange | MB resident \
         | CPU / (a) | CPU / (b) |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n",
    );
    for row in rows {
        let [p50, p99, p999] = row.percentiles();
        let _ = writeln!(
            table,
            "| {} | {:.0} | {p50:.2} | {p99:.2} | {p999:.2} | {:.1} | {:.1} | {} | {:.1} | {:.2} | {:.2} |",
            row.name,
            row.per_second(),
            row.cpu(),
            row.cpu() - row.cpu_without_store(),
            row.calls_per_exchange(),
            row.resident as f64 / 1e6,
            row.cpu() / bare.cpu(),
            row.cpu() / verifying.cpu(),
        );
    }
    table
}

/// The aims as a Markdown table.
pub fn aims_as_markdown(aims: &[Aim]) -> String {
    let mut table = String::from("| aim | measured | at most | |\n| --- | ---: | ---: | --- |\n");
    for Aim { what, value, most } in aims {
        let verdict = if value <= most { "reached" } else { "missed" };
        let _ = writeln!(table, "| {what} | {value:.2} | {most:.2} | {verdict} |");
    }
    table
}
