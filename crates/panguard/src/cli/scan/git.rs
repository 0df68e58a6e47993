//! What a repository remembers, by way of the `git` command: it knows every version of the format, packs,
//! alternates and both hashes, and is there wherever a repository is. A library for that is a hundred crates.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use super::name::{Name, safe};
use super::walk::Job;

/// A blob, a commit or a tag to look into.
pub struct Object {
    pub name: Name,
    /// Whether its name has not been looked at.
    pub is_name_new: bool,
    id: String,
    repository: Arc<Repository>,
}

/// A repository, and the processes that read from it.
pub struct Repository {
    path: PathBuf,
    idle: Mutex<Vec<Batch>>,
}

/// Hands out all that is reachable from any ref of the repository at `path`: each blob once, under the first
/// commit that has it, and every commit and tag for its message.
pub fn history(path: &Path, give: &mut dyn FnMut(Job)) {
    let repository = Arc::new(Repository::at(path));
    let mut walk = Walk { repository: &repository, blobs: HashSet::new(), paths: HashSet::new(), give };
    let walked = walk.commits().and_then(|()| walk.refs()).and_then(|()| repository.is_whole());
    if let Err(error) = walked {
        give(Job::Lost { name: Name::of_file(path), why: safe(error.to_string().as_bytes()) });
    }
}

/// Hands out what the next commit in the repository at `path` would change, as it would be committed.
pub fn staged(path: &Path, give: &mut dyn FnMut(Job)) {
    let repository = Arc::new(Repository::at(path));
    let mut walk = Walk { repository: &repository, blobs: HashSet::new(), paths: HashSet::new(), give };
    if let Err(error) = walk.index() {
        give(Job::Lost { name: Name::of_file(path), why: safe(error.to_string().as_bytes()) });
    }
}

struct Walk<'a> {
    repository: &'a Arc<Repository>,
    blobs: HashSet<String>,
    paths: HashSet<Vec<u8>>,
    give: &'a mut dyn FnMut(Job),
}

impl Walk<'_> {
    /// The commits, oldest first, and what each has that none of its parents has.
    fn commits(&mut self) -> io::Result<()> {
        let mut list = self.repository.start(&["rev-list", "--all", "--reverse"], Stdio::null())?;
        let listed = list.stdout.take().map_or_else(Stdio::null, Stdio::from);
        // Of a merge (`-c`) what differs from every parent; a commit that changes nothing has a message.
        let trees = ["diff-tree", "--stdin", "--always", "-r", "-c", "--root", "--raw", "-z", "--no-renames"];
        let mut trees = self.repository.start(&trees, listed)?;
        let told = trees.stdout.take().map_or_else(|| Ok(()), |out| self.changes(out));
        ended(list)?;
        ended(trees)?;
        told
    }

    fn changes(&mut self, out: ChildStdout) -> io::Result<()> {
        let mut out = BufReader::new(out);
        let mut commit = String::new();
        while let Some(field) = field(&mut out)? {
            if !field.starts_with(b":") {
                commit = String::from_utf8_lossy(&field).trim().to_owned();
                self.object(Name::of_commit(&commit, b""), commit.clone());
                continue;
            }
            let path = self::field(&mut out)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.change(&field, Name::of_commit(&commit, &path), path);
        }
        Ok(())
    }

    /// What is staged, as against the last commit or, before the first one, against nothing.
    fn index(&mut self) -> io::Result<()> {
        let head = self.repository.line(&["rev-parse", "--verify", "--quiet", "HEAD^{tree}"]);
        let head = head.or_else(|_| self.repository.line(&["hash-object", "-t", "tree", "/dev/null"]))?;
        let index = ["diff-index", "--cached", "--raw", "-z", "--no-renames", "--diff-filter=d", &head];
        let mut index = self.repository.start(&index, Stdio::null())?;
        let mut out = BufReader::new(index.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        while let Some(change) = field(&mut out)? {
            let path = field(&mut out)?.ok_or(io::ErrorKind::UnexpectedEof)?;
            self.change(&change, Name::of_commit("", &path), path);
        }
        ended(index)
    }

    /// A change of the raw format: colons, as many modes as there are parents and one more, as many objects,
    /// and what sort of change it is (`git help diff-format`).
    fn change(&mut self, change: &[u8], name: Name, path: Vec<u8>) {
        let parents = change.iter().take_while(|byte| **byte == b':').count();
        let change = String::from_utf8_lossy(change.get(parents..).unwrap_or_default()).into_owned();
        let fields: Vec<&str> = change.split(' ').collect();
        let (Some(mode), Some(id)) = (fields.get(parents), fields.get(2 * parents + 1)) else { return };
        // A commit of another repository has nothing here; what was taken away has been there before.
        if *mode == SUBMODULE || id.bytes().all(|byte| byte == b'0') {
            return;
        }
        let is_name_new = self.paths.insert(path);
        if self.blobs.insert((*id).to_owned()) {
            let repository = self.repository.clone();
            (self.give)(Job::Object(Object { name, is_name_new, id: (*id).to_owned(), repository }));
        } else if is_name_new {
            (self.give)(Job::Name(name));
        }
    }

    fn object(&mut self, name: Name, id: String) {
        let repository = self.repository.clone();
        (self.give)(Job::Object(Object { name, is_name_new: false, id, repository }));
    }

    /// Tags with a message, and refs to what is no commit.
    fn refs(&mut self) -> io::Result<()> {
        let format = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)";
        let refs = self.repository.text(&["for-each-ref", format])?;
        for line in refs.lines() {
            let mut fields = line.split(' ');
            let name = fields.next().unwrap_or_default();
            while let (Some(kind), Some(id)) = (fields.next(), fields.next()) {
                match kind {
                    "tag" => self.object(Name::of_commit(name, b""), id.to_owned()),
                    "blob" if self.blobs.insert(id.to_owned()) => {
                        self.object(Name::of_commit(name, b""), id.to_owned());
                    }
                    "tree" => self.tree(name, id)?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn tree(&mut self, name: &str, id: &str) -> io::Result<()> {
        let mut list = self.repository.start(&["ls-tree", "-r", "-z", id], Stdio::null())?;
        let mut out = BufReader::new(list.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?);
        while let Some(entry) = field(&mut out)? {
            let Some(tab) = memchr::memchr(b'\t', &entry) else { continue };
            let (entry, path) = entry.split_at_checked(tab).unwrap_or_default();
            let path = path.get(1..).unwrap_or_default();
            let entry = String::from_utf8_lossy(entry).into_owned();
            if let Some(blob) = entry.split(' ').nth(2).filter(|_| !entry.starts_with(SUBMODULE))
                && self.blobs.insert(blob.to_owned())
            {
                self.object(Name::of_commit(name, path), blob.to_owned());
            }
        }
        ended(list)
    }
}

impl Object {
    /// Reads what is in it, and gives it to `look` as it comes.
    ///
    /// # Errors
    /// If the repository does not have it, or `git` fails.
    pub fn read(&self, look: &mut dyn FnMut(&mut dyn Read)) -> io::Result<()> {
        let idle = self.repository.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut batch = match idle {
            Some(batch) => batch,
            None => Batch::start(&self.repository)?,
        };
        batch.read(&self.id, look)?;
        self.repository.idle.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        Ok(())
    }
}

impl Repository {
    fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// A `git` that fetches nothing, writes nothing, and shows objects as they are.
    fn start(&self, arguments: &[&str], input: Stdio) -> io::Result<Child> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.path).args(["--no-pager", "-c", "core.quotePath=false"]).args(arguments);
        command
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_OPTIONAL_LOCKS", "0");
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| io::Error::new(error.kind(), format!("cannot run `git`: {error}")))
    }

    fn text(&self, arguments: &[&str]) -> io::Result<String> {
        let mut child = self.start(arguments, Stdio::null())?;
        let mut text = Vec::new();
        child.stdout.take().map_or(Ok(0), |mut out| out.read_to_end(&mut text))?;
        ended(child)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    fn line(&self, arguments: &[&str]) -> io::Result<String> {
        self.text(arguments).map(|text| text.trim().to_owned())
    }

    /// Fails for a clone that has no more than the latest commits: what was before is not looked at.
    fn is_whole(&self) -> io::Result<()> {
        match self.line(&["rev-parse", "--is-shallow-repository"])?.as_str() {
            "false" => Ok(()),
            _ => Err(io::Error::other("it is a shallow clone; fetch the rest with `git fetch --unshallow`")),
        }
    }
}

/// `git cat-file --batch`: a question a line, and each answer with its length before it.
struct Batch {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Batch {
    fn start(repository: &Repository) -> io::Result<Self> {
        let mut child = repository.start(&["cat-file", "--batch"], Stdio::piped())?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(ask), Some(out)) => Ok(Self { child, ask, answers: BufReader::new(out) }),
            _ => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn read(&mut self, id: &str, look: &mut dyn FnMut(&mut dyn Read)) -> io::Result<()> {
        writeln!(self.ask, "{id}")?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        let length = head.trim_end().rsplit(' ').next().and_then(|length| length.parse::<u64>().ok());
        let length = length.ok_or_else(|| io::Error::other(format!("`git` says: {}", head.trim_end())))?;
        let mut answer = (&mut self.answers).take(length);
        look(&mut answer);
        io::copy(&mut answer, &mut io::sink())?;
        if answer.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.answers.read_exact(&mut [0])
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// What comes before the next NUL; `None` at the end.
fn field(out: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut field = Vec::new();
    if out.read_until(0, &mut field)? == 0 {
        return Ok(None);
    }
    field.pop_if(|byte| *byte == 0);
    Ok(Some(field))
}

/// Waits for a process, and fails as it did.
fn ended(child: Child) -> io::Result<()> {
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or("it failed and does not say why");
    Err(io::Error::other(format!("`git` says: {said}")))
}

const SUBMODULE: &str = "160000";
