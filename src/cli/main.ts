#!/usr/bin/env node
/** The `gyre` command. */
import { UsageError } from './arguments.js';
import { packageVersion } from './version.js';

const help = `Usage: gyre <command> [options]

  up         start an embedded cluster on 127.0.0.1
  backup     write all that a cluster is into a file
  restore    make a cluster of such a file
  history    what became of an object: every version, and what changed
  new        make a project of an operator
  generate   write typed kinds for somebody else's custom resources
  version    print the version

gyre <command> --help says more.
`;

const print = (text: string): void => void process.stdout.write(text);

async function run([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case 'up':
      return (await import('./up.js')).up(args, print);
    case 'backup':
      return (await import('./backup.js')).backup(args, print);
    case 'restore':
      return (await import('./restore.js')).restore(args, print);
    case 'history':
      return (await import('./history.js')).history(args, print);
    case 'new':
      return (await import('./new.js')).newProject(args, print);
    case 'generate':
      return (await import('./generate/generate.js')).generate(args, print);
    case 'version':
    case '--version':
      print(`${packageVersion()}\n`);
      return 0;
    case undefined:
    case 'help':
    case '--help':
      print(help);
      return 0;
    default:
      throw new UsageError(`unknown command ${JSON.stringify(command)}`, 'gyre --help lists the commands');
  }
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`gyre: ${error.message}\n  ${error.hint}\n`);
    process.exitCode = 2;
  } else {
    process.stderr.write(
      `gyre: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}
