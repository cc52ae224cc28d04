//! What one hub call is made of, as the server puts it together.

use std::cell::OnceCell;

use super::*;

/// Of one call, as the server puts them together.
pub struct Parts<'a> {
    element: &'a Element,
    group: &'a Group,
    values: Values,
    record: VendorReply,
    /// Stays empty: the record is JSON.
    json: OnceCell<Bytes>,
    list: VendorReply,
    headers: HeaderMap,
    key: TokenKey,
}

impl<'a> Parts<'a> {
    pub fn new(element: &'a Element) -> Result<Self, Error> {
        let group = element.founding_group();
        let given = json!({"site": "s1001", "word": "0123456789abcdef"});
        let given: Map<_, _> = given.as_object().cloned().unwrap_or_default();
        let stored = element.accept(&given);
        let stored = stored.map_err(|_| "the definition does not take the bench's values")?;
        let reply = |body: String| VendorReply {
            status: StatusCode::OK,
            headers: HeaderMap::from_iter([(
                http::header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )]),
            body: Bytes::from(body),
        };
        Ok(Self {
            element,
            group,
            values: element.effective(group, &stored),
            record: reply(vendor::record()),
            json: OnceCell::new(),
            list: reply(vendor::list()),
            headers: HeaderMap::new(),
            key: TokenKey::new(&[7; 32], &b"bench"[..]),
        })
    }

    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            configuration: &self.values,
            previous: None,
            request: None,
            now: 1_800_000_000_000,
        }
    }

    pub fn caller(&self, path: &str) -> Result<Caller<'_>, Error> {
        let route = self.element.route(self.group, &Method::GET, path);
        let route = route.map_err(|_| "the definition has no such resource")?;
        Ok(Caller::new(route, Vec::new(), &self.headers, Bytes::new()))
    }

    pub fn resource(&self, path: &str) -> Result<&'a bunsen_engine::element::Resource, Error> {
        let route = self.element.route(self.group, &Method::GET, path);
        Ok(route
            .map_err(|_| "the definition has no such resource")?
            .resource)
    }

    pub fn request(&self, path: &str) -> Result<VendorRequest, Error> {
        let resource = self.resource(path)?;
        let caller = self.caller(path)?;
        for link in links(self.element, resource, b"") {
            caller.check(self.element, link)?;
        }
        Ok(build(
            self.element,
            self.group,
            resource,
            &self.inputs(),
            &caller,
        )?)
    }

    pub fn built(&self) -> Result<f64, Error> {
        self.request("/contacts/1")?;
        Ok(least(|| {
            black_box(self.request("/contacts/1").is_ok());
        }))
    }

    pub fn walk(&self, caller: &Caller<'_>) -> Result<Walk<'a>, Error> {
        let resource = self.resource("/contacts")?;
        Ok(Walk::new(
            self.element,
            resource,
            &self.values,
            caller,
            &self.key,
        )?)
    }

    pub fn built_list(&self) -> Result<f64, Error> {
        let build = || -> Result<VendorRequest, Error> {
            let caller = self.caller("/contacts")?;
            let request = self
                .walk(&caller)?
                .request(self.group, &self.inputs(), &caller);
            Ok(request.ok_or("the list needs no call")??)
        };
        build()?;
        Ok(least(|| {
            black_box(build().is_ok());
        }))
    }

    pub fn read(&self) -> Result<f64, Error> {
        let resource = self.resource("/contacts/1")?;
        let inputs = self.inputs();
        self.one(&inputs)?;
        Ok(least(|| {
            let json = OnceCell::new();
            let found = read(
                self.element,
                self.group,
                resource,
                &inputs,
                &self.record,
                &json,
            );
            black_box(found.is_ok());
        }))
    }

    pub fn one(&self, inputs: &Inputs<'_>) -> Result<&str, Error> {
        let resource = self.resource("/contacts/1")?;
        let found = read(
            self.element,
            self.group,
            resource,
            inputs,
            &self.record,
            &self.json,
        );
        match found.map_err(|_| "the record is refused")?.content {
            Content::One(record) => Ok(record),
            _ => Err("the record is not found".into()),
        }
    }

    pub fn written(&self) -> Result<f64, Error> {
        let shape = &self.resource("/contacts/1")?.shape;
        let inputs = self.inputs();
        let record = self.one(&inputs)?;
        Ok(least(|| {
            let mut out = Vec::new();
            shape.write(record, false, None, &mut out);
            black_box(out);
        }))
    }

    /// Reading the list, and writing it.
    pub fn read_list(&self) -> Result<(f64, f64), Error> {
        let caller = self.caller("/contacts")?;
        let inputs = self.inputs();
        let page = || -> Result<_, Error> {
            let mut walk = self.walk(&caller)?;
            let accepted = walk.accept(self.group, &inputs, &self.list);
            accepted.map_err(|_| "the list is refused")?;
            Ok(walk.finish(&self.key)?)
        };
        let records = page()?.records;
        if records.len() != 100 {
            return Err(format!("the list has {} records", records.len()).into());
        }
        let reading = least(|| {
            black_box(page().is_ok());
        });
        let shape = &self.resource("/contacts")?.shape;
        let writing = least(|| {
            let records = records
                .iter()
                .map(|record| std::str::from_utf8(record).unwrap_or_default());
            black_box(shape.write_list(records, false, None));
        });
        Ok((reading, writing))
    }

    /// Processor time and time of a call of the vendor's, with the server's own client.
    pub async fn sent(&self, vendor: SocketAddr, path: &str) -> Result<(f64, f64), Error> {
        let outbound = Outbound::new(Settings {
            routes: vec![VendorRoute::parse(&format!("*=http://{vendor}"))?],
            ..Settings::default()
        })?;
        let destination = Destination {
            element: "gauge",
            hosts: &self.element.hosts,
            grants: &[],
        };
        let mut all = Vec::new();
        for _ in 0..TIMES / 4 {
            all.push(self.request(path)?);
        }
        // All of the client's work is this thread's.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let call = async move {
            let mut took = Vec::with_capacity(all.len());
            let count = all.len() as f64;
            let before = processor();
            for request in all {
                let begun = Instant::now();
                let reply = outbound.send(request, &destination).await?;
                took.push(begun.elapsed().as_secs_f64() * 1e6);
                black_box(reply);
            }
            let each = (processor() - before) / count;
            Ok::<_, Error>((each, Middle::of(took).median))
        };
        tokio::task::block_in_place(move || runtime.block_on(call))
    }
}
