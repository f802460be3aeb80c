//! The difference of two files as people read it, bounded in size and time.

use std::time::Duration;

use similar::{Algorithm, TextDiff};
use tokio::time::Instant;

use super::content::Content;
use super::handle::SyncError;
use super::status::DiffBody;

/// Longest diff, in bytes.
const MAX_BYTES: usize = 128 * 1024;
/// Files larger than this together are not compared line by line: the list of
/// changes says what there is to say.
const MAX_INPUT: usize = 8 * 1024 * 1024;
/// After so long the rest is told as one change.
const DEADLINE: Duration = Duration::from_millis(500);

/// A unified diff, made away from the threads that answer requests.
pub(super) async fn between(
    before: Option<Content>,
    after: Content,
) -> Result<DiffBody, SyncError> {
    let work = move || {
        let before = before.as_ref().map_or(&b""[..], Content::shown);
        unified(before, after.shown())
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| SyncError::Ending)
}

fn unified(before: &[u8], after: &[u8]) -> DiffBody {
    if before == after {
        return DiffBody::default();
    }
    if before.len() + after.len() > MAX_INPUT {
        return DiffBody {
            text: String::new(),
            is_cut: true,
        };
    }
    let (before, after) = (
        String::from_utf8_lossy(before),
        String::from_utf8_lossy(after),
    );
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .deadline(Instant::now().into_std() + DEADLINE)
        .diff_lines(&*before, &*after);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let hunk = hunk.to_string();
        if text.len() + hunk.len() > MAX_BYTES {
            let room = hunk.floor_char_boundary(MAX_BYTES - text.len());
            let whole_lines = hunk.split_at(room).0.rfind('\n').map_or(0, |at| at + 1);
            text.push_str(hunk.split_at(whole_lines).0);
            return DiffBody { text, is_cut: true };
        }
        text.push_str(&hunk);
    }
    DiffBody {
        text,
        is_cut: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_is_bounded_and_has_whole_lines() {
        let small = unified(b"a\nb\nc\n", b"a\nB\nc\n");
        assert_eq!(small.text, "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
        assert!(!small.is_cut);
        assert_eq!(unified(b"a\n", b"a\n"), DiffBody::default());
        let lines = |word: &str| {
            (0..20_000)
                .map(|n| format!("{word} {n}\n"))
                .collect::<String>()
        };
        let large = unified(lines("é").as_bytes(), lines("ü").as_bytes());
        assert!(large.is_cut && large.text.len() <= MAX_BYTES);
        assert!(large.text.ends_with('\n'));
        let huge = unified(&vec![b'x'; MAX_INPUT], b"y");
        assert!(huge.is_cut && huge.text.is_empty());
    }
}
