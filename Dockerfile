# A small image with one binary that is redis-server, redis-sentinel and the check tools.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package redan-server && strip target/release/redan

FROM debian:bookworm-slim
RUN groupadd --system --gid 999 redis \
 && useradd --system --uid 999 --gid redis --home-dir /data --shell /usr/sbin/nologin redis \
 && mkdir /data && chown redis:redis /data
COPY --from=build /src/target/release/redan /usr/local/bin/redan
RUN for name in redis-server redis-sentinel redis-check-rdb redis-check-aof; do ln -s redan /usr/local/bin/$name; done
USER redis
WORKDIR /data
VOLUME /data
EXPOSE 6379 26379
# A container has no other way in than its ports: who may reach them is the network's business.
ENV REDAN_PROTECTED_MODE=no
CMD ["redan"]
