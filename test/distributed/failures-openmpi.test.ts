import { testFailures } from "./failure-cases";

testFailures("openmpi");
