// The VS Code side: starts `idiolect lsp` and lets the language client talk with it.
"use strict";

const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");
const { serverCommand, startFailure } = require("./command.js");

/** @type {LanguageClient | undefined} */
let client;
/** Starts and stops one after the other, however fast settings change. */
let turn = Promise.resolve();

async function start() {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  const setting = vscode.workspace.getConfiguration("idiolect").get("command");
  const { command, args } = serverCommand(setting, folder);
  const run = { command, args, options: folder ? { cwd: folder } : {} };
  client = new LanguageClient(
    "idiolect",
    "Idiolect",
    { run, debug: run },
    { documentSelector: [{ language: "okt" }] },
  );
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const choice = await vscode.window.showErrorMessage(startFailure(error, command), "Open settings");
    if (choice) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "idiolect.command");
    }
  }
}

async function stop() {
  const running = client;
  client = undefined;
  try {
    await running?.stop();
  } catch {
    // It had gone before it was asked to.
  }
}

function restart() {
  turn = turn.then(stop).then(start);
  return turn;
}

/** @param {vscode.ExtensionContext} context */
function activate(context) {
  context.subscriptions.push(
    vscode.commands.registerCommand("idiolect.restart", restart),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("idiolect.command")) {
        restart();
      }
    }),
  );
  turn = turn.then(start);
}

function deactivate() {
  turn = turn.then(stop);
  return turn;
}

module.exports = { activate, deactivate };
