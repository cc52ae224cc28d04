# Build: docker build -t bunsen .        Run beside a Postgres: docker-compose.yml
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
# What is embedded at build time stands here too: elements, examples, migrations and templates.
COPY Cargo.toml Cargo.lock build.rs ./
COPY bench bench
COPY engine engine
COPY sandbox sandbox
COPY tests tests
COPY migrations migrations
COPY elements elements
COPY examples examples
COPY templates templates
COPY src src
RUN cargo build --release --locked --package bunsen

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 bunsen \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/bunsen --shell /usr/sbin/nologin bunsen \
    # New volumes take over owner and mode of the folder that they are mounted on.
    && install -d -o bunsen -g bunsen -m 0711 /var/lib/bunsen \
    && install -d -o bunsen -g bunsen -m 0700 /secrets /database-secret
COPY --from=build /build/target/release/bunsen /usr/local/bin/bunsen
COPY LICENSE-APACHE LICENSE-MIT NOTICE /usr/share/doc/bunsen/

# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
ENV BUNSEN_LISTEN=0.0.0.0:8080 \
    BUNSEN_DATA_DIR=/var/lib/bunsen
VOLUME /var/lib/bunsen
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["bunsen", "health"]
# There is no Postgres in here: BUNSEN_DATABASE_URL or BUNSEN_DATABASE_URL_FILE names one.
ENTRYPOINT ["bunsen"]
CMD ["serve"]
