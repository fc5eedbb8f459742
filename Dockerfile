# The program runs from its TypeScript sources: Node 24 strips the types. So the image holds production dependencies and src/.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Our own optional dependencies are only Node 24 itself, for machines with an older one; here the base image is that Node. Those of
# sharp are its library for this platform, and needed.
# Development tools are taken out first, not only left out: npm 11 compares all of package.json with the lock file and refuses one
# that lacks a tool's packages for other platforms.
# The widget is built in a stage of its own, so `prepare` goes as well.
RUN npm pkg delete devDependencies optionalDependencies scripts.prepare && npm ci --omit=dev

FROM node:24.21.0-bookworm-slim AS widget
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json ./
RUN npm ci --ignore-scripts
COPY src src
COPY widget widget
RUN npm run build

FROM node:24.21.0-bookworm-slim
LABEL org.opencontainers.image.title="Parley" \
      org.opencontainers.image.description="Real-time chat and meeting gateway" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    PARLEY_DATA=/data
# Made here, so that a new volume mounted on it belongs to the user, too.
RUN install -d -o node -g node -m 700 /data
WORKDIR /app
# Owned by root: the program cannot change itself.
COPY --from=dependencies /app/node_modules node_modules
COPY --from=widget /app/dist dist
COPY package.json LICENSE* ./
COPY drizzle drizzle
COPY src src
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# Whether the process is alive, not whether it can serve: a database that is away must not make anyone restart all nodes.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then(answer => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# Not through npm, which would stand between the signal and the program.
CMD ["node", "--disable-warning=ExperimentalWarning", "src/main.ts"]
