/** Files with as many keys as there are. */
export const composeSample = `name: Shop
x-common: &common
  restart: always
  environment: &env
    RAILS_ENV: production
    DATABASE_URL: postgres://app:\${DB_PASSWORD}@db:5432/app
    REDIS_URL: redis://redis:6379/0
    SECRET_KEY_BASE:
    LOG: "\${LOG_LEVEL:-info}"
    HOSTILE: "it's \\"x\\" $$(rm) \\n 🎉"
services:
  web:
    <<: *common
    build:
      context: .
      dockerfile: Dockerfile.prod
      target: prod
      args: {RUBY: 3.4}
      cache_from: [x]
      secrets: [npm]
      ssh: [default]
    image: shop/web:\${TAG:-latest}
    command: bundle exec "puma -C" config/puma.rb
    ports: ["80:3000", "443:3000", "9229:9229"]
    depends_on: [db, redis]
    volumes: [./nginx.conf:/etc/n.conf:ro, uploads:/up, .:/app, ./data:/data, /srv/x:/x]
    deploy: {replicas: 2, resources: {limits: {cpus: '0.50', memory: 512M}}}
    healthcheck: {test: curl -f x}
    container_name: foo
    networks: [front]
  worker:
    <<: *common
    build: .
    command: ["bundle","exec","sidekiq"]
    env_file: .env
    depends_on: {db: {condition: service_healthy}}
    healthcheck: {test: [CMD, a, b], interval: 1m30s, retries: 3, timeout: 1.5s}
    ulimits: {nofile: {soft: 1, hard: 2}}
    cap_add: ["NET ADMIN"]
    init: true
    sysctls: {net.core.somaxconn: 1024}
    logging: {driver: json-file, options: {max-size: 10m}}
  db:
    image: postgres:17
    volumes: [pg:/var/lib/postgresql/data]
    environment: [POSTGRES_PASSWORD=hunter2, "POSTGRES_DB=app"]
    secrets: [pw]
    expose: ["5432"]
    shm_size: 256mb
    network_mode: service:web
  Redis_1:
    image: redis:\${REDIS}
  redis:
    image: redis:7
    ports: ["127.0.0.1:6379:6379"]
    tmpfs: /tmp
    extra_hosts: {a: 10.0.0.1}
    devices: [{source: /dev/fuse}]
    labels: {traefik.enable: true, com.x: y}
    foo: bar
networks: {front: {}}
volumes: {pg: {external: true}, uploads: }
secrets: {npm: {environment: NPM_TOKEN}, pw: {file: ./pw.conf}}
`

export const kamalSample = `service: my_app
image: acme/my-app
servers:
  web:
    hosts:
      - 192.168.0.1
      - 192.168.0.2: [canary]
    options:
      memory: 2GB
      add-host: x:1.2.3.4
  job:
    hosts: [job1.example.com, 192.168.0.1]
    cmd: bin/jobs --queue "a b"
    env: {clear: {QUEUE: x}}
proxy:
  ssl: true
  host: app.example.com
  app_port: 3000
  path_prefix: /api,/v2
  healthcheck: {path: /healthz, interval: 3, timeout: 2}
  response_timeout: 10
  buffering: {requests: true, max_request_body: 40000000, memory: 2}
  logging: {request_headers: [A]}
registry:
  server: ghcr.io
  username: bob
  password:
    - KAMAL_REGISTRY_PASSWORD
builder:
  arch: amd64
  remote: ssh://docker@build
  args: {RUBY: <%= RUBY_VERSION %>, N: 1}
  secrets: [GITHUB_TOKEN]
  ssh: default=$SSH_AUTH_SOCK
  cache: {type: gha}
env:
  clear: {DB_HOST: my_app-db, RAILS_LOG: "it's $(x) 🎉"}
  secret: [RAILS_MASTER_KEY, DATABASE_URL:PROD_DB]
  tags: {canary: {A: b}}
volumes: ["storage:/rails/storage", "/x:/y"]
asset_path: /rails/public/assets
ssh: {user: app, port: 222, proxy: bastion, keys: [~/.ssh/a], keys_only: true}
aliases: {console: app exec -i}
boot: {limit: 25%, wait: 10, parallel_roles: true}
retain_containers: 3
deploy_timeout: 40
drain_timeout: 20
readiness_delay: 5
accessories:
  db:
    image: postgres:15
    host: 192.168.0.3
    port: "127.0.0.1:5432:5432"
    env: {clear: {POSTGRES_USER: a}, secret: [POSTGRES_PASSWORD]}
    files: ["config/init.sql:/docker-entrypoint-initdb.d/setup.sql", "config/x.erb:/x"]
    directories: [data:/var/lib/postgresql/data]
    options: {restart: always, network: foo}
  redis:
    image: redis
    roles: [web]
    cmd: redis-server --save ""
    registry: {server: r.example.com, username: u, password: literal}
logging: {driver: json-file, options: {max-size: 100m}}
labels: {a: b}
hooks_path: .kamal/h
strange: 1
x-foo: bar
`
