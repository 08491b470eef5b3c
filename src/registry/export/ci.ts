import { lifetimeOf, mintCommand } from '../../config/auth-kinds.ts'
import { registryHost } from '../../config/registry-key.ts'
import { yamlText } from '../../config/yaml-text.ts'
import { quote } from '../../shell/script.ts'
import { asComments, type Declared, type ExportFile, headerLines, type Origin } from './credential.ts'

/** A job to `extends` from: GitLab's own variables hold the secrets, and tokens are made in the job. */
export function gitlabCi(credentials: readonly Declared[], origin: Origin): ExportFile {
  const advice = [
    'Each variable is set under Settings > CI/CD > Variables, masked and protected.',
    'For the images that jobs run in, set DOCKER_AUTH_CONFIG there: jiji registry export docker-config',
  ]
  const lines = credentials.map(({ key, auth, username, variable }) => {
    const token = lifetimeOf(auth) === undefined ? undefined : mintCommand(auth, key)
    const login = `docker login --username ${quote(username)} --password-stdin ${quote(registryHost(key))}`
    return `${token ?? `printf '%s' "$${variable}"`} | ${login}`
  })
  return {
    name: 'registries.gitlab-ci.yml',
    contents:
      asComments([...headerLines(origin, credentials), ...advice]) +
      yamlText({ '.registry-login': { before_script: lines } }),
  }
}

/** Steps for a workflow; GitHub's own secrets hold the values. */
export function githubActions(credentials: readonly Declared[], origin: Origin): ExportFile {
  const steps = credentials.map(credential => ({
    name: `Log in to ${registryHost(credential.key)}`,
    uses: 'docker/login-action@v4',
    with: { registry: registryHost(credential.key), ...githubLogin(credential) },
  }))
  const needs = [
    'Each secret is set under Settings > Secrets and variables > Actions.',
    ...(credentials.some(({ variable }) => variable === 'GITHUB_TOKEN')
      ? ['GITHUB_TOKEN needs `permissions: {packages: write}` in the job, or read to pull only.']
      : []),
    ...(credentials.some(({ auth }) => auth === 'gcp-access-token')
      ? ['Before these: google-github-actions/auth, with the id `auth` and `token_format: access_token`.']
      : []),
  ]
  return {
    name: 'registries.github.yml',
    contents: asComments([...headerLines(origin, credentials), ...needs]) + yamlText(steps),
  }
}

/** A token cannot be kept as a secret there: docker/login-action, or the step before, makes it from what can. */
function githubLogin({ auth, username, variable }: Declared): { username: string; password: string } {
  const secret = (name: string) => `\${{ secrets.${name} }}`
  if (auth === 'aws-ecr') return { username: secret('AWS_ACCESS_KEY_ID'), password: secret('AWS_SECRET_ACCESS_KEY') }
  if (auth === 'azure-acr') return { username: secret('AZURE_CLIENT_ID'), password: secret('AZURE_CLIENT_SECRET') }
  if (auth === 'gcp-access-token') return { username, password: '${{ steps.auth.outputs.access_token }}' }
  return { username: username.replaceAll('${{', "${{ '${{' }}"), password: secret(variable) }
}
