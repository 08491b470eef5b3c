import { asComments, type Declared, type ExportFile, headerLines, type Origin } from './credential.ts'
import { quotedString } from './quoted.ts'

/** What would begin a template in HCL 2, and in HCL 1 what is copied without its escapes being read. */
const template = /[$%](?=\{)/

/** Tells a Nomad client where Docker's configuration lies, which keeps logins out of job files and of Nomad's state. */
export function nomadConfig(
  credentials: readonly Declared[],
  origin: Origin,
  { authFile }: { authFile: string },
): ExportFile {
  const advice = `Beside this, on each client: jiji registry export docker-config --to ${authFile}`
  return {
    name: 'docker.hcl',
    contents: `${asComments([...headerLines(origin, credentials), advice])}plugin "docker" {
  config {
    auth {
      config = ${quotedString(authFile, template)}
    }
  }
}
`,
  }
}
