//! The thread that asks osquery, and the queue of questions before it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Once,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    answer::{Answer, Host, Program, Row, number},
    shell::{Error, Shell},
    statement::{self, Socket},
};

/// Questions that wait. When there are more, flows go without an answer: they come faster than osquery can tell.
const LONGEST_QUEUE: usize = 1024;

/// After so many attempts in a row without an answer osquery is not asked again.
const MOST_FAILURES: u32 = 3;

/// Between an attempt that failed and the next.
const PAUSE: Duration = Duration::from_millis(100);

/// An answer holds so long for further records of the same two ends.
const VALIDITY: Duration = Duration::from_secs(10);

/// Answers that are kept for further records.
const MOST_ANSWERS: usize = 4096;

/// Different programs and users that flows have at a time; flows of further ones go without an answer.
const MOST_PROGRAMS: usize = 1024;

struct Question {
    socket: Socket,
    answer: Arc<Answer>,
}

/// What the thread and the shards share.
#[derive(Default)]
struct Shared {
    /// Questions that wait.
    waiting: AtomicUsize,
    /// Nobody will ask any more.
    stop: AtomicBool,
    /// There will be no more answers.
    over: AtomicBool,
}

/// Takes questions. The thread ends with it.
pub(super) struct Resolver {
    shared: Arc<Shared>,
    /// `None` when the thread is to end, or could not be started.
    questions: Option<SyncSender<Question>>,
    thread: Option<JoinHandle<()>>,
}

impl Resolver {
    /// Starts a thread that asks the program at `path`.
    pub(super) fn start(path: &str) -> Resolver {
        let shared = Arc::new(Shared::default());
        let (sender, questions) = sync_channel(LONGEST_QUEUE);
        let worker = Worker {
            path: path.to_owned(),
            shared: Arc::clone(&shared),
            questions,
            shell: None,
            answers: HashMap::new(),
            programs: Vec::new(),
        };
        match thread::Builder::new().name("osquery".to_owned()).spawn(move || worker.run()) {
            Ok(thread) => Resolver { shared, questions: Some(sender), thread: Some(thread) },
            Err(error) => {
                warn(format_args!("there is no thread to ask it: {error}"));
                shared.over.store(true, Ordering::Relaxed);
                Resolver { shared, questions: None, thread: None }
            }
        }
    }

    /// Leaves a question, if there is room for it. Never waits.
    pub(super) fn ask(&self, socket: impl Fn() -> Socket) -> Option<Arc<Answer>> {
        if self.shared.over.load(Ordering::Relaxed) {
            return None;
        }
        let questions = self.questions.as_ref()?;
        let waiting = self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        let answer = (waiting < LONGEST_QUEUE).then(|| Arc::new(Answer::new()));
        let is_taken = |answer: &Arc<Answer>| {
            questions.try_send(Question { socket: socket(), answer: Arc::clone(answer) }).is_ok()
        };
        let asked = answer.filter(is_taken);
        if asked.is_none() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        asked
    }

    /// Waits for an answer, not longer than `patience`.
    pub(super) fn wait(&self, answer: &Answer, patience: Duration) {
        if patience.is_zero() {
            return;
        }
        let deadline = Instant::now() + patience;
        while answer.get().is_none() && !self.shared.over.load(Ordering::Acquire) && Instant::now() < deadline
        {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[cfg(test)]
    pub(super) fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::Acquire)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.questions = None;
        if let Some(thread) = self.thread.take() {
            // It does not panic; if it did, that would have been told.
            let _ = thread.join();
        }
    }
}

/// The thread.
struct Worker {
    path: String,
    shared: Arc<Shared>,
    questions: Receiver<Question>,
    shell: Option<Shell>,
    /// Answers of late, and until when they hold.
    answers: HashMap<Socket, (Instant, Option<Arc<Program>>)>,
    programs: Vec<Arc<Program>>,
}

impl Worker {
    fn run(mut self) {
        let outcome = self.answer_all();
        self.shared.over.store(true, Ordering::Release);
        match outcome {
            Ok(()) | Err(Error::Stopped) => {}
            Err(error) => warn(format_args!("{} is not asked any more: {error}", self.path)),
        }
    }

    fn answer_all(&mut self) -> Result<(), Error> {
        let host = self.ask(statement::HOST)?;
        let host = Arc::new(Host::of(host.first().unwrap_or(&Row::new())));
        while let Ok(question) = self.questions.recv() {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            if self.shared.stop.load(Ordering::Relaxed) {
                break;
            }
            // Where the record has ended already nobody waits.
            if Arc::strong_count(&question.answer) > 1 {
                let program = self.program_of(question.socket, &host)?;
                // Nobody else answers it.
                let _ = question.answer.set(program);
            }
        }
        Ok(())
    }

    /// The program behind a flow, from an answer of late or from osquery.
    fn program_of(&mut self, socket: Socket, host: &Arc<Host>) -> Result<Option<Arc<Program>>, Error> {
        let now = Instant::now();
        if let Some((until, program)) = self.answers.get(&socket)
            && now < *until
        {
            return Ok(program.clone());
        }
        let process = self.ask(&socket.process())?;
        let program = match process.first().and_then(|row| number(row, "pid")) {
            Some(pid) => {
                let rows = self.ask(&statement::program(pid))?;
                rows.first().and_then(|row| self.shared_program(Program::of(row, Arc::clone(host))))
            }
            None => None,
        };
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.retain(|_, (until, _)| now < *until);
        }
        if self.answers.len() < MOST_ANSWERS {
            self.answers.insert(socket, (now + VALIDITY, program.clone()));
        }
        Ok(program)
    }

    /// One value for equal programs. `None` if there are too many.
    fn shared_program(&mut self, program: Program) -> Option<Arc<Program>> {
        if let Some(known) = self.programs.iter().find(|known| ***known == program) {
            return Some(Arc::clone(known));
        }
        if self.programs.len() >= MOST_PROGRAMS {
            self.programs.retain(|known| Arc::strong_count(known) > 1);
        }
        (self.programs.len() < MOST_PROGRAMS).then(|| {
            let program = Arc::new(program);
            self.programs.push(Arc::clone(&program));
            program
        })
    }

    /// Asks the shell; a new one if the old one failed.
    fn ask(&mut self, statement: &str) -> Result<Vec<Row>, Error> {
        let mut failures = 0;
        loop {
            match self.attempt(statement) {
                Ok(rows) => return Ok(rows),
                Err(error) => {
                    self.shell = None;
                    failures += 1;
                    if failures == MOST_FAILURES || error.is_final() {
                        return Err(error);
                    }
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    fn attempt(&mut self, statement: &str) -> Result<Vec<Row>, Error> {
        let shell = match &mut self.shell {
            Some(shell) => shell,
            none => none.insert(Shell::start(&self.path)?),
        };
        shell.ask(statement, &self.shared.stop)
    }
}

/// Tells the operator, once.
fn warn(what: std::fmt::Arguments<'_>) {
    static TOLD: Once = Once::new();
    TOLD.call_once(|| eprintln!("Warning: osquery: {what}"));
}
