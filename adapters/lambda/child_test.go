package inngestlambda_test

func startInChild() {}
