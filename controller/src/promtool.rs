//! Asks `promtool` whether Prometheus would take rules: bounded in time and output,
//! without a shell, away from the file that Prometheus reads.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Longest time for its verdict.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Most that is read of what it says, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;
/// Where it reads what it is to judge.
pub(crate) const INPUT: &str = "/dev/stdin";

/// The program that judges rule files.
#[derive(Clone, Debug, Default)]
pub struct Promtool {
    configured: Option<PathBuf>,
}

/// What it says of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Prometheus takes them.
    Good,
    /// It does not, and this is why.
    Refused(String),
    /// There is no promtool, and none was configured.
    Absent,
    /// It could not be asked, and this is why.
    Failed(String),
}

impl Promtool {
    /// The configured program, or `promtool` of the path.
    #[must_use]
    pub fn new(configured: Option<PathBuf>) -> Self {
        Self { configured }
    }

    /// Judges the content of a rule file.
    pub async fn check_rules(&self, rules: &[u8]) -> Judgement {
        let arguments = ["check", "rules", INPUT];
        match judge("promtool", self.configured.as_deref(), &arguments, rules).await {
            Judgement::Refused(said) => Judgement::Refused(reason(&said)),
            other => other,
        }
    }
}

/// Asks a program, configured or of the path, that reads `input` and says by its
/// exit code whether that is good; what it said of something bad is as it came.
pub(crate) async fn judge(
    name: &'static str,
    configured: Option<&Path>,
    arguments: &[&str],
    input: &[u8],
) -> Judgement {
    let program = configured.unwrap_or_else(|| Path::new(name));
    match tokio::time::timeout(TIMEOUT, run(name, program, arguments, input)).await {
        Err(_) => Judgement::Failed(format!(
            "{name} did not judge within {} s",
            TIMEOUT.as_secs()
        )),
        Ok(Err(error)) if configured.is_none() && error.kind() == io::ErrorKind::NotFound => {
            Judgement::Absent
        }
        Ok(Err(error)) => {
            Judgement::Failed(format!("{} cannot be run: {error}", program.display()))
        }
        Ok(Ok(judgement)) => judgement,
    }
}

async fn run(
    name: &str,
    program: &Path,
    arguments: &[&str],
    input: &[u8],
) -> io::Result<Judgement> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let Some(mut stdin) = stdin {
            // Who does not read to the end says in its verdict why.
            let _ = stdin.write_all(input).await;
        }
    };
    let (out, said, ()) = tokio::join!(bounded(stdout), bounded(stderr), give);
    let status = child.wait().await?;
    Ok(match status.code() {
        Some(0) => Judgement::Good,
        Some(1) => Judgement::Refused(format!("{out}\n{said}")),
        _ => Judgement::Failed(format!("{name} ended with {status}")),
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

/// What it found, without the frame around it.
fn reason(output: &str) -> String {
    let place = format!("{INPUT}: ");
    let lines = output
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "FAILED:" && !line.starts_with("Checking "));
    let found: Vec<String> = lines.map(|line| line.replace(&place, "")).collect();
    found.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n";

    #[tokio::test]
    async fn it_says_what_is_wrong_and_where() {
        let promtool = Promtool::default();
        let check = async |text: &str| promtool.check_rules(text.as_bytes()).await;
        assert_eq!(check(GOOD).await, Judgement::Good);
        let bad = GOOD.replace("up == 0", "up == 0, annotations: {a: '{{ x }}'}");
        let Judgement::Refused(reason) = check(&bad).await else {
            panic!("not refused");
        };
        assert!(reason.contains("group \"g\", rule 1, \"A\""), "{reason}");
        assert!(reason.contains("function \"x\" not defined"), "{reason}");
        assert!(!reason.contains(INPUT), "{reason}");
    }

    #[tokio::test]
    async fn a_file_larger_than_a_pipe_is_read_to_its_end() {
        let rule = "{alert: A, expr: up == 0, labels: {n: 'N'}}";
        let rules: Vec<String> = (0..5_000)
            .map(|n| rule.replace('N', &n.to_string()))
            .collect();
        let text = format!("groups: [{{name: g, rules: [{}]}}]\n", rules.join(",\n"));
        let judgement = Promtool::default().check_rules(text.as_bytes()).await;
        assert_eq!(judgement, Judgement::Good);
        let cut = text.trim_end().trim_end_matches('}');
        let judgement = Promtool::default()
            .check_rules(cut.trim_end_matches(']').as_bytes())
            .await;
        assert!(matches!(judgement, Judgement::Refused(_)), "{judgement:?}");
    }

    #[tokio::test]
    async fn a_program_that_does_not_judge_is_no_verdict() {
        let directory = tempfile::tempdir().unwrap();
        let ask = async |program: PathBuf| {
            let promtool = Promtool::new(Some(program));
            promtool.check_rules(GOOD.as_bytes()).await
        };
        let missing = ask(directory.path().join("promtool")).await;
        assert!(matches!(&missing, Judgement::Failed(why) if why.contains("cannot be run")));
        // It writes without end, and is not waited for without end.
        let chatty = ask(PathBuf::from("/usr/bin/yes")).await;
        assert!(matches!(chatty, Judgement::Failed(_)), "{chatty:?}");
    }
}
