"""New architectures from known ones: change a shape, and see what that costs against the model it came from."""
