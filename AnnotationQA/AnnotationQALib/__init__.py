"""What connects AnnotationQACore to Slicer: logic on an injected MRML scene, and widgets that show it."""
