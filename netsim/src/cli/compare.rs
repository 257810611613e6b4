//! `netsim compare`.

use std::path::{Path, PathBuf};

use netsim_report::{Comparison, comparison_report, read_sweep, text};

use super::{Failure, Outcome, folders, shown};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// A folder that `netsim run --out` or `netsim merge` has written.
    before: PathBuf,
    /// Another.
    after: PathBuf,
    /// A page to write, with the plots of both.
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
}

pub fn main(arguments: &Arguments) -> Result<Outcome, Failure> {
    let read = |path: &Path| read_sweep(path).map_err(Failure::new);
    let comparison = Comparison::new(read(&arguments.before)?, read(&arguments.after)?);
    if let Some(out) = &arguments.out {
        let named = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
        let name = out.file_name().map(named).ok_or_else(|| {
            Failure::Other(format!("{} is no file to write a page to", out.display()))
        })?;
        let folder = match out.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        folders::make(folder)?;
        netsim_report::write_file(folder, &name, &comparison_report(&comparison))
            .map_err(Failure::new)?;
    }
    shown::say(&text::comparison(&comparison, shown::colour()));
    Ok(Outcome::Good)
}
