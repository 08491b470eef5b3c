/** What is particular about a registry that many use: advice, each entry a line. */
type Kind = {
  login?: readonly string[]
  pull?: readonly string[]
  push?: readonly string[]
  create?: (repository: string) => string
  onLimit?: string
}

export function registryKind(host: string): Kind {
  return (
    kinds
      .map(([pattern, kind]) => pattern.exec(host) && kind(host))
      .find(kind => kind !== null && kind !== undefined) ?? {}
  )
}

const kinds: readonly [RegExp, (host: string) => Kind][] = [
  [/^ghcr\.io$/, () => github],
  [/^docker\.io$/, () => dockerHub],
  [/\.dkr[.-]ecr(-fips)?\..+/, ecr],
  [/^public\.ecr\.aws$/, () => ecr('us-east-1')],
  [/(^|\.)gcr\.io$|\.pkg\.dev$/, () => google],
  [/\.azurecr\.(io|cn|us)$/, () => azure],
  [/^quay\.io$/, () => quay],
  [/^registry\.gitlab\.com$/, () => gitlab],
  [
    /^registry\.digitalocean\.com$/,
    () => ({ login: ['DigitalOcean takes an API token, as the user name and as the password'] }),
  ],
  [/^nvcr\.io$/, () => ({ login: ['NVIDIA takes the user name $oauthtoken, as it stands, with an API key'] })],
  [/\.scw\.cloud$/, () => ({ login: ['Scaleway takes the user name nologin, with the secret key of an API key'] })],
]

const github: Kind = {
  login: [
    'GitHub takes a classic personal access token with read:packages (write:packages to push), or GITHUB_TOKEN in a workflow;',
    'no fine-grained token. The user name is the login that the token belongs to',
  ],
  pull: [
    'on GitHub, one of these: the token has no scope read:packages; in a workflow, permissions: packages: read is missing;',
    'the package gives this repository no access (its settings, Manage Actions access); the token is not authorised for SSO;',
    'it is a fine-grained token, which packages do not take',
  ],
  push: [
    'on GitHub, one of these: the token has no scope write:packages; in a workflow, permissions: packages: write is missing;',
    'the package exists and is not linked to this repository (label org.opencontainers.image.source, or its settings, Manage',
    'Actions access); the token is not authorised for SSO; it is a fine-grained token, which packages do not take',
  ],
}

const dockerHub: Kind = {
  login: ['Docker Hub takes the Docker ID, not the e-mail address; with two-factor login, a personal access token'],
  pull: [
    'on Docker Hub, a repository that does not exist and one that may not be read look the same: see the namespace, and the scope of the token',
  ],
  push: ['on Docker Hub, the token needs the scope Read & Write, and the namespace must be yours'],
  onLimit:
    'the pulls of this account or address are used up for some hours: log in, or use an account with a higher limit',
}

function ecr(host: string): Kind {
  const region = /\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(host)?.[1] ?? 'us-east-1'
  return {
    login: [
      'on Amazon ECR the user name is AWS, in capitals, and the password a token that lives for 12 h:',
      `auth: aws-ecr makes one in each run, as does password: $(aws ecr get-login-password --region ${region})`,
    ],
    pull: ['on Amazon ECR it needs ecr:BatchGetImage and ecr:GetDownloadUrlForLayer on this repository'],
    push: [
      'on Amazon ECR it needs ecr:InitiateLayerUpload, ecr:UploadLayerPart, ecr:CompleteLayerUpload, ecr:PutImage and',
      'ecr:BatchCheckLayerAvailability on this repository',
    ],
    create: repository => `create it: aws ecr create-repository --repository-name ${repository} --region ${region}`,
  }
}

const google: Kind = {
  login: [
    'on Google the user name is _json_key with a key file (auth: gcp-service-account), or oauth2accesstoken with a token of 60 min',
  ],
  pull: ['on Google the service account needs roles/artifactregistry.reader on the repository'],
  push: ['on Google the service account needs roles/artifactregistry.writer on the repository, which must exist'],
  create: repository =>
    `create it: gcloud artifacts repositories create ${repository.split('/')[1] ?? repository} --repository-format=docker`,
}

const azure: Kind = {
  login: [
    'on Azure the user name is the id of a service principal, the name of a token, or 00000000-0000-0000-0000-000000000000 with an access token, which lives for 3 h',
  ],
  pull: ['on Azure it needs the role AcrPull, or content/read in the scope map of the token'],
  push: ['on Azure it needs the role AcrPush, or content/write in the scope map of the token'],
}

const quay: Kind = {
  login: [
    'on Quay the user name of a robot is NAMESPACE+NAME, of an application token $app, of an OAuth token $oauthtoken',
  ],
}

const gitlab: Kind = {
  login: [
    'on GitLab the password is a token with read_registry (write_registry to push); a job token lives as long as its job',
  ],
  pull: ['on GitLab the token needs read_registry, and its user a role in the project'],
  push: ['on GitLab the token needs write_registry, and the name must begin with the path of a project'],
}
