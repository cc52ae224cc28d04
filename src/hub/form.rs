//! A form with files on its way from a caller to the vendor: parts get the vendor's names, those
//! that the definition does not know are left out, its own come first. A file is nowhere as a whole:
//! only a small form is held, so that the call can be made again.

use std::sync::{Arc, OnceLock};

use bunsen_engine::hub::Parts;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{Stream as _, StreamExt, TryStreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use multer::{Field, Multipart};

use super::pieces::{Pieces, Progress};
use crate::app::App;
use crate::error::{Error, Result};
use crate::outbound::{BoxError, Payload, Stream};
use crate::upload::Upload;

/// The type of such a body.
const KIND: &str = "multipart/form-data";

/// A caller's form.
#[derive(Debug)]
pub struct Form {
    boundary: String,
    upload: Upload,
    /// `None`: it has been sent, and is gone.
    body: Option<Payload>,
    wrong: Arc<OnceLock<String>>,
}

/// Whether the caller sends a form with files.
pub fn is_one(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mime = kind.split(';').next().unwrap_or_default().trim();
    mime.eq_ignore_ascii_case(KIND)
}

/// 415; what else would do.
pub fn not_taken(instead: &str) -> Error {
    Error::UnsupportedMediaType(format!(
        "This resource does not take such a body; send {instead}."
    ))
}

impl Form {
    /// # Errors
    /// 400 for a type without a boundary; 413, 408 or 400 for a small body that does not come as it
    /// should; 429 when the caller's share is used up.
    pub async fn begin(app: &App, headers: &HeaderMap, body: Stream) -> Result<Self> {
        let kind = headers.get(header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| {
            Error::Invalid(format!(
                "The Content-Type {KIND} needs a boundary; let your HTTP client write the header."
            ))
        })?;
        let (upload, payload) = Upload::begin(
            app,
            body,
            app.form_limit(),
            None::<fn(&[u8]) -> Option<Vec<u8>>>,
        )
        .await?;
        Ok(Self {
            boundary,
            upload,
            body: Some(payload),
            wrong: Arc::default(),
        })
    }

    /// Whether there is anything left to be sent.
    pub fn is_left(&self) -> bool {
        self.body.is_some()
    }

    /// The vendor's form and its type. A form that is held is put together here, and stays.
    ///
    /// # Errors
    /// 400 for what is no form or lacks a part, where it is held.
    pub async fn payload(&mut self, parts: Parts) -> Result<(HeaderValue, Payload)> {
        let boundary = format!("bunsen-{:032x}", rand::random::<u128>());
        let kind = format!("{KIND}; boundary={boundary}");
        let kind = HeaderValue::try_from(kind).map_err(Error::internal)?;
        let made = |form| Recoded::new(form, &self.boundary, boundary, parts, self.wrong.clone());
        let payload = match self.body.take() {
            None => return Err(Error::internal("a form that is gone was to be sent again")),
            Some(Payload::Bytes(bytes)) => {
                self.body = Some(Payload::Bytes(bytes.clone()));
                let form = stream::iter([Ok::<_, BoxError>(bytes)]);
                let pieces: Vec<Bytes> = made(form.boxed())
                    .pieces()
                    .try_collect()
                    .await
                    .map_err(|error| self.judge(Error::internal(error)))?;
                Payload::Bytes(pieces.concat().into())
            }
            Some(Payload::Stream(body)) => {
                let form = body.into_data_stream();
                let pieces = made(form.boxed()).pieces();
                let frames = pieces.map_ok(Frame::data);
                Payload::Stream(StreamBody::new(frames).boxed_unsync())
            }
        };
        Ok((kind, payload))
    }

    /// What was wrong with the form and made the call fail, else what went wrong otherwise.
    pub fn judge(&self, error: Error) -> Error {
        let error = match self.upload.judge(Err::<(), _>(error)) {
            Err(error) => error,
            Ok(()) => return Error::internal("a failure that is none"),
        };
        match (self.wrong.get(), error) {
            // A body that broke a limit or was cut is no form for that reason.
            (Some(wrong), Error::Vendor(_) | Error::Internal(_)) => Error::Invalid(wrong.clone()),
            (_, error) => error,
        }
    }
}

/// The vendor's form, made of the caller's as it comes.
struct Recoded {
    form: Multipart<'static>,
    progress: Progress,
    parts: Parts,
    /// Of the caller's parts, by their place among the known ones.
    seen: Vec<bool>,
    /// The part that is on its way now, if it is one that is known.
    part: Option<(Field<'static>, bool)>,
    boundary: String,
    state: State,
    wrong: Arc<OnceLock<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begins,
    Goes,
    Ended,
}

impl Recoded {
    fn new(
        form: stream::BoxStream<'static, std::result::Result<Bytes, BoxError>>,
        theirs: &str,
        boundary: String,
        parts: Parts,
        wrong: Arc<OnceLock<String>>,
    ) -> Self {
        let progress = Progress::default();
        Self {
            form: Multipart::new(Pieces::new(form, progress.clone()), theirs),
            progress,
            seen: vec![false; parts.of_caller.len()],
            parts,
            part: None,
            boundary,
            state: State::Begins,
            wrong,
        }
    }

    fn pieces(self) -> stream::BoxStream<'static, std::result::Result<Bytes, BoxError>> {
        let pieces = stream::try_unfold(self, |mut form| async move {
            let piece = form.next().await?;
            Ok(piece.map(|piece| (piece, form)))
        });
        debug_assert!(pieces.size_hint().1.is_none());
        pieces.boxed()
    }

    async fn next(&mut self) -> std::result::Result<Option<Bytes>, BoxError> {
        if self.state == State::Begins {
            self.state = State::Goes;
            let own = self.own();
            if !own.is_empty() {
                return Ok(Some(own));
            }
        }
        loop {
            if self.state == State::Ended {
                return Ok(None);
            }
            if let Some((part, known)) = &mut self.part {
                let known = *known;
                let chunk = part.chunk().await;
                self.progress.made();
                match chunk {
                    Ok(Some(chunk)) if known => return Ok(Some(chunk)),
                    Ok(Some(_)) => continue,
                    Ok(None) => {
                        self.part = None;
                        if known {
                            return Ok(Some(Bytes::from_static(b"\r\n")));
                        }
                    }
                    Err(error) => return Err(self.no_form(&error)),
                }
            }
            let field = self.form.next_field().await;
            self.progress.made();
            match field {
                Ok(Some(part)) => {
                    let head = self.head(&part);
                    self.part = Some((part, head.is_some()));
                    if head.is_some() {
                        return Ok(head);
                    }
                }
                Ok(None) => {
                    self.check_complete()?;
                    self.state = State::Ended;
                    return Ok(Some(format!("--{}--\r\n", self.boundary).into()));
                }
                Err(error) => return Err(self.no_form(&error)),
            }
        }
    }

    /// The parts that the caller does not bring.
    fn own(&self) -> Bytes {
        let mut written = BytesMut::new();
        for (name, text) in &self.parts.own {
            self.begin_part(&mut written, name);
            written.put_slice(b"\r\n\r\n");
            written.put_slice(text.as_bytes());
            written.put_slice(b"\r\n");
        }
        written.freeze()
    }

    /// What stands before the part at the vendor; `None`: it is not known there.
    fn head(&mut self, part: &Field<'_>) -> Option<Bytes> {
        let name = part.name().unwrap_or_default();
        let mut known = self.parts.of_caller.iter();
        let index = known.position(|known| known.vendors(name).is_some())?;
        *self.seen.get_mut(index)? = true;
        let vendor_name = self.parts.of_caller.get(index)?.vendors(name)?;
        let mut head = BytesMut::new();
        self.begin_part(&mut head, &vendor_name);
        if let Some(file) = part.file_name() {
            head.put_slice(format!("; filename=\"{}\"", quoted(file)).as_bytes());
        }
        if let Some(kind) = part.headers().get(header::CONTENT_TYPE) {
            head.put_slice(b"\r\nContent-Type: ");
            head.put_slice(kind.as_bytes());
        }
        head.put_slice(b"\r\n\r\n");
        Some(head.freeze())
    }

    fn begin_part(&self, written: &mut BytesMut, name: &str) {
        let begin = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{}\"",
            self.boundary,
            quoted(name)
        );
        written.put_slice(begin.as_bytes());
    }

    /// The last piece is not sent where a part is missing, so that the vendor gets no whole form.
    fn check_complete(&self) -> std::result::Result<(), BoxError> {
        let parts = self.parts.of_caller.iter().zip(&self.seen);
        let missing: Vec<String> = parts
            .filter(|(part, seen)| part.required && !**seen)
            .map(|(part, _)| format!("'{}'", part.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.tell(format!(
            "The form lacks what is needed: part {}.",
            missing.join(", part ")
        )))
    }

    fn no_form(&self, error: &multer::Error) -> BoxError {
        let why = match error {
            multer::Error::IncompleteStream
            | multer::Error::IncompleteFieldData { .. }
            | multer::Error::IncompleteHeaders => ": it ends too early",
            _ => "",
        };
        self.tell(format!("Request body is not valid {KIND}{why}."))
    }

    fn tell(&self, what: String) -> BoxError {
        let _ = self.wrong.set(what);
        "the caller's form is wrong".into()
    }
}

/// As browsers write it.
fn quoted(text: &str) -> String {
    let text = text.replace('"', "%22");
    text.replace('\r', "%0D").replace('\n', "%0A")
}
