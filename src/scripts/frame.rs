//! What server and child say to each other: frames of JSON, each after its length in four bytes.
//!
//! Names of variants stand outside of what they hold: serde cannot take a `RawValue` out of the other
//! forms.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// From the server to the child.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ToChild {
    Run(Box<Run>),
    /// What came of the call with this number.
    Answer {
        number: u32,
        outcome: Outcome,
    },
}

/// One run of one script.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub source: String,
    pub legacy: bool,
    /// A JSON object: the script's variables by name.
    pub variables: Box<RawValue>,
    pub bounds: Bounds,
}

/// What the child itself sees to; the server has its own eye on time and sizes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bounds {
    /// Milliseconds of computing.
    pub computing_ms: u64,
    /// Bytes that the script's values may take.
    pub memory: usize,
    /// Bytes of a result, and of a call's request.
    pub output: usize,
    pub calls: u32,
}

/// From the child to the server.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FromChild {
    Call {
        number: u32,
        call: Call,
    },
    /// Nothing to do before an answer arrives.
    Waiting,
    Done(Done),
    /// Said first by a child that has no filter on calls of the system, which this kernel, or this
    /// kind of machine, does not know.
    Unfiltered,
}

/// What a script asks the server for.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Call {
    Http(HttpCall),
    Timer { milliseconds: u64 },
}

#[derive(Clone, Serialize, Deserialize)]
pub struct HttpCall {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Http(HttpAnswer),
    /// A timer has run out.
    Elapsed,
    Failed(String),
}

#[derive(Clone, Serialize, Deserialize)]
pub struct HttpAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    pub end: End,
    pub console: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// JSON; `None`: nothing is to change.
    Result(Option<Box<RawValue>>),
    Failed(String),
    TimedOut,
}

/// The child's side; the server reads and writes the same with a codec.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    from.read_exact(&mut body)?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}

pub fn write(to: &mut impl Write, frame: &impl Serialize) -> io::Result<()> {
    let body = serde_json::to_vec(frame)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&body)?;
    to.flush()
}

/// Contents are a tenant's, secrets among them.
macro_rules! shown_by_name {
    ($($name:ident)*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

shown_by_name! { Run Call HttpCall Outcome HttpAnswer Done End }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_prints_no_content() {
        let frame = ToChild::Answer {
            number: 7,
            outcome: Outcome::Http(HttpAnswer {
                status: 200,
                headers: vec![("x-key".into(), "secret".into())],
                body: "secret".into(),
            }),
        };
        assert!(!format!("{frame:?}").contains("secret"));
        let mut bytes = Vec::new();
        write(&mut bytes, &frame).unwrap();
        let read: ToChild = read(&mut bytes.as_slice()).unwrap();
        let ToChild::Answer { number: 7, outcome } = read else {
            panic!("another frame: {read:?}");
        };
        assert!(matches!(
            outcome,
            Outcome::Http(HttpAnswer { status: 200, .. })
        ));
    }

    #[test]
    fn scripts_and_results_pass_as_they_are() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let run = Run {
            source: "done()".into(),
            legacy: true,
            variables: raw("{ \"a\": 1 }"),
            bounds: Bounds {
                computing_ms: 1,
                memory: 2,
                output: 3,
                calls: 4,
            },
        };
        let mut bytes = Vec::new();
        write(&mut bytes, &ToChild::Run(Box::new(run))).unwrap();
        let read_run: ToChild = read(&mut bytes.as_slice()).unwrap();
        assert!(matches!(read_run, ToChild::Run(run) if run.variables.get() == "{ \"a\": 1 }"));
        for result in [None, Some(raw("{\"b\":[]}"))] {
            let expected = result.as_ref().map(|raw| raw.get().to_owned());
            let done = Done {
                end: End::Result(result),
                console: Vec::new(),
            };
            let mut bytes = Vec::new();
            write(&mut bytes, &FromChild::Done(done)).unwrap();
            let read_done: FromChild = read(&mut bytes.as_slice()).unwrap();
            let FromChild::Done(Done {
                end: End::Result(read),
                ..
            }) = read_done
            else {
                panic!("another frame");
            };
            assert_eq!(read.map(|raw| raw.get().to_owned()), expected);
        }
    }

    #[test]
    fn a_cut_frame_is_an_error() {
        let mut bytes = Vec::new();
        write(&mut bytes, &FromChild::Waiting).unwrap();
        bytes.pop();
        assert!(read::<FromChild>(&mut bytes.as_slice()).is_err());
    }
}
