# syntax=docker/dockerfile:1

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY rolldown.config.ts tsconfig.json ./
COPY src src
COPY console console
COPY deploy/ascii.ts deploy/load-code.ts deploy/record-code.js deploy/cache-code.ts deploy/
RUN npm run build

# koffi's install script finds its prebuilt library among the packages, so no compiler is needed.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY bin bin
RUN ln -s /app/bin/mxsteer.cjs /usr/local/bin/mxsteer
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
# The example zone; mount your own folder over it.
COPY zones /etc/mxsteer/zones

# The C library keeps what threads have freed for each core apart, else (docs/operations.md#memory).
ENV MALLOC_ARENA_MAX=2

# Variables and not flags of CMD: `-e` changes one, and flags after the image's name still win.
# The admin HTTP listens on every address of the container: publish 8053 to a private address only.
ENV MXSTEER_ZONES=/etc/mxsteer/zones \
    MXSTEER_LISTEN=0.0.0.0:5300 \
    MXSTEER_ADMIN=0.0.0.0:8053

USER node
EXPOSE 5300/udp 5300/tcp 8053/tcp
STOPSIGNAL SIGTERM
# Alive, not ready: a container is not restarted for targets that are down. It knows the settings of the variables and of
# the settings file, not those of flags behind the image's name.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["mxsteer", "health"]
ENTRYPOINT ["mxsteer"]
CMD ["serve"]
