package call

// ManagerKeys are the keys that the SDK looks for in the context of a step.
var ManagerKeys = managerKeys
