# Builds with everything, ships with what runs: the final stage has no shell, no package manager, no source, no tests.
# Run it with a read-only root; the ledger's folder is the one place that it writes to.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY .npmrc package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY tsconfig.json ./
COPY proto ./proto
COPY src ./src
RUN npm run build
RUN npm prune --omit=dev --no-audit --no-fund

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="stint" \
      org.opencontainers.image.description="Hands an AI agent the cloud credentials for one task, and takes them back." \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY LICENSE package.json ./
COPY aws ./aws
COPY proto ./proto
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
ENV NODE_ENV=production
USER 65532:65532
# Agents, bearer tokens, admin, health.
EXPOSE 8443 8444 8445 8446
STOPSIGNAL SIGTERM
# SIGUSR1 must not open the inspector; __proto__ is not needed; a diagnostic report leaves the environment out; a larger
# young generation means fewer pauses under load; no TLS session tickets are sent.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "--disable-proto=delete", "--report-exclude-env", "--max-semi-space-size=16", "--openssl-config=/app/dist/core/net/no-session-tickets.cnf", "/app/dist/cli/main.js"]
CMD ["serve"]
