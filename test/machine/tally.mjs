import { writeFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

/**
 * @typedef {{ name: string, reason: string }} Skipped
 * @typedef {{ passed: number, failed: string[], skipped: Skipped[] }} Tally
 */

/** A reporter for vitest that writes what became of each test to the file that JIJI_TALLY names. */
export default class TallyReporter {
  /**
   * @param {ReadonlyArray<import('vitest/node').TestModule>} modules
   * @param {ReadonlyArray<{ message: string }>} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    /** @type {Tally} */
    const tally = { passed: 0, failed: unhandledErrors.map(error => `unhandled: ${error.message}`), skipped: [] }
    for (const module of modules) {
      const file = module.relativeModuleId
      if (module.errors().length > 0) tally.failed.push(`${file}: cannot be loaded${reasons(module.errors())}`)
      for (const suite of module.children.allSuites()) {
        if (suite.errors().length > 0)
          tally.failed.push(`${file}: ${suite.fullName}: its set-up or clean-up${reasons(suite.errors())}`)
      }
      for (const test of module.children.allTests()) {
        const result = test.result()
        const name = `${file}: ${test.fullName}`
        if (result.state === 'passed') tally.passed++
        else if (result.state === 'skipped') tally.skipped.push({ name, reason: reasonOf(test.fullName, result.note) })
        else tally.failed.push(`${name}${reasons(result.errors ?? [])}`)
      }
    }
    writeFileSync(/** @type {string} */ (process.env.JIJI_TALLY), JSON.stringify(tally))
  }
}

/**
 * What was wrong, at the end where it is found, and no longer than can be read there.
 * @param {ReadonlyArray<{ message: string, diff?: string }>} errors
 */
function reasons(errors) {
  const texts = errors.map(({ message, diff = '' }) => stripVTControlCharacters(`${message}\n${diff}`).slice(0, 1500))
  const lines = texts.flatMap(text => text.split('\n')).filter(line => line.trim() !== '')
  return lines.map(line => `\n    ${line}`).join('')
}

/**
 * Why a test was skipped: what it says itself, or what a suite around it has put into its name.
 * @param {string} name
 * @param {string | undefined} note
 */
function reasonOf(name, note) {
  return note ?? /\(skipped: (.*?)\)(?: > |$)/.exec(name)?.[1] ?? 'no reason given'
}
