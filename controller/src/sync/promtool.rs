//! Asks `promtool` whether Prometheus would take a rule file: bounded in time and
//! output, without a shell, away from the file that Prometheus reads.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::subject::Check;

/// Longest time for its verdict.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Most that is read of what it says.
const MAX_OUTPUT: u64 = 64 * 1024;
/// Name of the file that it is given.
const FILE: &str = "rules.yml";

/// What `promtool check rules` says of a rule file; `None` when there is no
/// `promtool` and none was configured.
pub(super) async fn check_rules(configured: Option<&Path>, rules: Vec<u8>) -> Option<Check> {
    let program = configured.unwrap_or_else(|| Path::new("promtool"));
    let written = tokio::task::spawn_blocking(move || {
        let directory = tempfile::tempdir()?;
        std::fs::write(directory.path().join(FILE), rules)?;
        Ok::<_, std::io::Error>(directory)
    });
    let directory = match written.await {
        Ok(Ok(directory)) => directory,
        Ok(Err(error)) => {
            let later = format!("the rules could not be laid before promtool: {error}");
            return Some(Check::Later(later));
        }
        Err(_) => return Some(Check::Later("the controller is ending".to_owned())),
    };
    let file = directory.path().join(FILE);
    match tokio::time::timeout(TIMEOUT, run(program, &file)).await {
        Err(_) => Some(Check::Later(format!(
            "promtool did not judge the rules within {} s",
            TIMEOUT.as_secs()
        ))),
        Ok(Err(error)) if configured.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            None
        }
        Ok(Err(error)) => Some(Check::Later(format!(
            "{} cannot be run: {error}",
            program.display()
        ))),
        Ok(Ok(verdict)) => Some(verdict),
    }
}

async fn run(program: &Path, file: &Path) -> std::io::Result<Check> {
    let mut child = Command::new(program)
        .args([OsStr::new("check"), OsStr::new("rules"), file.as_os_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (out, said) = tokio::join!(bounded(stdout), bounded(stderr));
    let status = child.wait().await?;
    Ok(match status.code() {
        Some(0) => Check::Good,
        Some(1) => Check::Refused(verdict(&format!("{out}\n{said}"), file)),
        _ => Check::Later(format!("promtool ended with {status}")),
    })
}

async fn bounded(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What came before an error is as good as it gets.
        let _ = pipe.take(MAX_OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What it found, without the frame around it and the name of a file that is gone.
fn verdict(output: &str, file: &Path) -> String {
    let place = format!("{}: ", file.display());
    let lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "FAILED:" && !line.starts_with("Checking "));
    let found: Vec<String> = lines.map(|line| line.replace(&place, "")).collect();
    format!("promtool: {}", found.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n";

    #[tokio::test]
    async fn it_says_what_is_wrong_and_where() {
        let check = async |text: &str| check_rules(None, text.into()).await;
        assert_eq!(check(GOOD).await, Some(Check::Good));
        let bad = GOOD.replace("up == 0", "up == 0, annotations: {a: '{{ x }}'}");
        let Some(Check::Refused(reason)) = check(&bad).await else {
            panic!("not refused");
        };
        assert!(reason.contains("group \"g\", rule 1, \"A\""), "{reason}");
        assert!(reason.contains("function \"x\" not defined"), "{reason}");
        assert!(!reason.contains(FILE), "{reason}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_judge_is_no_verdict() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("promtool");
        let verdict = check_rules(Some(&missing), GOOD.into()).await;
        assert!(matches!(&verdict, Some(Check::Later(why)) if why.contains("cannot be run")));
        // It writes without end, and is not waited for without end.
        let chatty = check_rules(Some(Path::new("/usr/bin/yes")), GOOD.into()).await;
        assert!(matches!(chatty, Some(Check::Later(_))), "{chatty:?}");
    }
}
