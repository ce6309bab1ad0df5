// Loaded first into a Node that an emulator runs: children that are started as process.execPath go through the
// emulator as well. Workers have it too.
process.execPath = process.env.DOBBY_NODE;
