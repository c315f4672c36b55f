import { testFailures } from "./failure-cases";

testFailures("mpich");
