//! A person's browser on the provider's own pages: cookies, forms and redirects, nothing else.

use std::collections::BTreeMap;

use reqwest::Url;

use super::Provider;
use crate::answer::Answer;

/// More than any way through the pages has.
const STEPS: usize = 20;

/// How a person leaves the provider.
#[derive(Debug)]
pub enum Left {
    /// Sent back to the application.
    Back(Url),
    /// The provider shows why it does not send anybody anywhere.
    Kept(u16, String),
}

pub struct Browser<'a> {
    provider: &'a Provider,
    /// By name and path.
    cookies: BTreeMap<(String, String), String>,
    person: String,
}

impl<'a> Browser<'a> {
    /// Of somebody who has never been there.
    pub fn new(provider: &'a Provider) -> Browser<'a> {
        Browser {
            provider,
            cookies: BTreeMap::new(),
            person: format!("person-{:08x}", rand::random::<u32>()),
        }
    }

    pub async fn allow(&mut self, url: &Url) -> Left {
        self.walk(url, true).await
    }

    pub async fn deny(&mut self, url: &Url) -> Left {
        self.walk(url, false).await
    }

    async fn walk(&mut self, url: &Url, allow: bool) -> Left {
        let mut url = url.clone();
        let mut answer = self.load(&url, None).await;
        for _ in 0..STEPS {
            if let Some(location) = answer.header("location") {
                url = url.join(location).expect("a location");
                if url.host_str() != Some(&self.provider.host()) {
                    return Left::Back(url);
                }
                answer = self.load(&url, None).await;
                continue;
            }
            if answer.status != 200 {
                return Left::Kept(answer.status, answer.text);
            }
            let page = &answer.text;
            let (_, action) = page.split_once("action=\"").expect("a form");
            let action = action.split('"').next().expect("its end");
            url = url.join(action).expect("an address");
            let form = if page.contains("name=\"login\"") {
                Some(format!("prompt=login&login={}&password=x", self.person))
            } else if allow {
                Some("prompt=consent".to_owned())
            } else {
                url = Url::parse(&format!("{url}/abort")).expect("a URL");
                None
            };
            answer = self.load(&url, form).await;
        }
        panic!("the provider's pages have no end: {answer}");
    }

    /// One page; a form is posted.
    async fn load(&mut self, url: &Url, form: Option<String>) -> Answer {
        assert_eq!(url.scheme(), "https");
        let query = url
            .query()
            .map_or(String::new(), |query| format!("?{query}"));
        let method = if form.is_some() { "POST" } else { "GET" };
        let mut request = self
            .provider
            .request(method, &format!("{}{query}", url.path()))
            .header("accept", "text/html");
        let cookies = self.cookies.iter();
        let cookies: Vec<String> = cookies
            .filter(|((_, path), _)| url.path().starts_with(path.as_str()))
            .map(|((name, _), value)| format!("{name}={value}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        if let Some(form) = form {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(form);
        }
        let answer = Answer::of(request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let mut parts = cookie.to_str().expect("a cookie").split("; ");
            let (name, value) = parts
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a pair");
            let path = parts
                .find_map(|part| part.strip_prefix("path="))
                .unwrap_or("/");
            let key = (name.to_owned(), path.to_owned());
            if value.is_empty() {
                self.cookies.remove(&key);
            } else {
                self.cookies.insert(key, value.to_owned());
            }
        }
        answer
    }
}
